//! The verdict on a recording, at each limit and one past it.

use domain::audio::{AudioFacts, AudioFormat, AudioLimits, Finding, FindingCode, Severity, Verdict, judge};
use proptest::prelude::*;

/// A recording with nothing to say about.
fn good() -> AudioFacts {
    AudioFacts {
        format: AudioFormat::Wav,
        codec: "pcm_s16le".to_owned(),
        size_bytes: 1_000_000,
        duration_seconds: 10.0,
        declared_duration_seconds: Some(10.0),
        sample_rate_hz: 44_100,
        channels: 2,
        bitrate_bps: 1_411_200,
        mean_volume_dbfs: Some(-20.0),
        peak_dbfs: Some(-3.0),
        clipped_share: 0.0,
        decode_errors: 0,
        absurd_samples: false,
        ignored_streams: 0,
    }
}

fn findings(facts: AudioFacts, limits: &AudioLimits) -> Vec<(FindingCode, Severity)> {
    let verdict = judge(facts, None, limits);
    verdict.findings.iter().map(|finding| (finding.code, finding.severity)).collect()
}

/// Holds what is found at a limit and one past it; at the limit itself nothing is.
fn check(code: FindingCode, severity: Severity, at: impl Fn(&mut AudioFacts), past: impl Fn(&mut AudioFacts)) {
    let limits = AudioLimits::default();
    let (mut fine, mut beyond) = (good(), good());
    at(&mut fine);
    past(&mut beyond);
    assert_eq!(findings(fine, &limits), [], "{code:?}: at the limit");
    let found = judge(beyond, None, &limits);
    assert_eq!(found.accepted(), severity == Severity::Warning, "{code:?}");
    let [finding] = &found.findings[..] else { panic!("{code:?}: {:?}", found.findings) };
    assert_eq!((finding.code, finding.severity), (code, severity));
    assert!(finding.measured.is_some() && finding.limit.is_some(), "{code:?} says neither value nor limit");
}

#[test]
fn a_good_recording_is_accepted_without_a_word() {
    let verdict = judge(good(), Some("hum.wav"), &AudioLimits::default());
    assert_eq!(verdict.findings, []);
    assert!(verdict.accepted());
    assert!(!Verdict::default().accepted(), "without facts there is nothing to accept");
}

#[test]
fn each_limit_and_one_past_it() {
    use FindingCode as C;
    use Severity::{Error, Warning};
    check(C::FileTooLarge, Error, |f| f.size_bytes = 52_428_800, |f| f.size_bytes = 52_428_801);
    check(C::TooShort, Error, |f| f.set_duration(1.0), |f| f.set_duration(0.999_99));
    check(C::TooLong, Error, |f| f.set_duration(300.0), |f| f.set_duration(300.000_01));
    check(C::SampleRateBelowRecommended, Warning, |f| f.sample_rate_hz = 44_100, |f| f.sample_rate_hz = 44_099);
    check(C::SampleRateBelowRecommended, Warning, |_| (), |f| f.sample_rate_hz = 16_000);
    check(C::SampleRateTooLow, Error, |_| (), |f| f.sample_rate_hz = 15_999);
    check(C::LowBitrate, Warning, |f| f.bitrate_bps = 64_000, |f| f.bitrate_bps = 63_999);
    check(C::SilentAudio, Error, |f| f.mean_volume_dbfs = Some(-60.0), |f| f.mean_volume_dbfs = Some(-60.01));
    check(C::SilentAudio, Error, |_| (), |f| f.mean_volume_dbfs = None);
    check(C::Clipping, Warning, |f| f.peak_dbfs = Some(-0.1), |f| f.peak_dbfs = Some(-0.099));
    check(C::SevereClipping, Error, |f| f.clipped_share = 0.05, |f| f.clipped_share = 0.050_01);
    check(C::CorruptFile, Error, |f| f.decode_errors = 2, |f| f.decode_errors = 3);
    check(C::CorruptFile, Error, |_| (), |f| f.absurd_samples = true);
    check(C::StreamsIgnored, Warning, |f| f.ignored_streams = 0, |f| f.ignored_streams = 1);
    // A quarter of a second, or two parts in a hundred where that is more.
    let declared = |seconds: f64| move |f: &mut AudioFacts| f.declared_duration_seconds = Some(seconds);
    check(C::TruncatedFile, Error, declared(10.25), declared(10.251));
    check(C::TruncatedFile, Error, |f| f.set_declared(98.0, 100.0), |f| f.set_declared(97.9, 100.0));
    check(C::TruncatedFile, Error, |f| f.declared_duration_seconds = None, declared(300.0));
    check(C::TruncatedFile, Error, declared(2.0), declared(11.0));
}

trait Set {
    fn set_duration(&mut self, seconds: f64);
    fn set_declared(&mut self, seconds: f64, declared: f64);
}

impl Set for AudioFacts {
    fn set_duration(&mut self, seconds: f64) {
        self.set_declared(seconds, seconds);
    }

    fn set_declared(&mut self, seconds: f64, declared: f64) {
        self.duration_seconds = seconds;
        self.declared_duration_seconds = Some(declared);
    }
}

#[test]
fn limits_of_a_tier_are_held() {
    let lossless = AudioLimits {
        allowed_formats: [AudioFormat::Wav, AudioFormat::Flac].into(),
        require_stereo: true,
        min_sample_rate_hz: 44_100,
        min_duration_seconds: 5.0,
        ..AudioLimits::default()
    };
    assert_eq!(findings(good(), &lossless), []);
    let phone = AudioFacts { format: AudioFormat::M4a, channels: 1, sample_rate_hz: 22_050, ..good() };
    let errors = [FindingCode::UnsupportedFormat, FindingCode::SampleRateTooLow, FindingCode::StereoRequired];
    assert_eq!(findings(phone, &lossless), errors.map(|code| (code, Severity::Error)));
}

#[test]
fn mono_is_worth_a_word_only_where_stereo_is_wanted() {
    let mono = || AudioFacts { channels: 1, ..good() };
    let limits =
        |recommend_stereo, require_stereo| AudioLimits { recommend_stereo, require_stereo, ..AudioLimits::default() };
    assert_eq!(findings(mono(), &AudioLimits::default()), [], "a microphone makes one channel");
    assert_eq!(findings(mono(), &limits(true, false)), [(FindingCode::MonoAudio, Severity::Warning)]);
    for recommended in [false, true] {
        assert_eq!(findings(mono(), &limits(recommended, true)), [(FindingCode::StereoRequired, Severity::Error)]);
    }
    assert_eq!(findings(good(), &limits(true, true)), []);
    let recommended = judge(mono(), None, &limits(true, false));
    assert_eq!(recommended.findings[0].message, "The recording is mono; stereo is recommended.");
}

#[test]
fn a_lying_name_is_noted_and_nothing_more() {
    let code_of = |name: &str, format| {
        let verdict = judge(AudioFacts { format, ..good() }, Some(name), &AudioLimits::default());
        assert!(verdict.accepted(), "{name}");
        verdict.findings.first().map(|finding| finding.code)
    };
    assert_eq!(code_of("hum.mp3", AudioFormat::Wav), Some(FindingCode::FormatMismatch));
    let honest = [
        ("HUM.WAV", AudioFormat::Wav),
        ("hum", AudioFormat::Wav),
        ("hum.xyz", AudioFormat::Wav),
        ("a.mp3.flac", AudioFormat::Flac),
        ("voice.mp4", AudioFormat::M4a),
        ("x.opus", AudioFormat::Ogg),
        ("recording.weba", AudioFormat::Webm),
        ("recording.webm", AudioFormat::Webm),
        ("Take 1.AIF", AudioFormat::Aiff),
        ("memo.caf", AudioFormat::Caf),
        (".", AudioFormat::Mp3),
        ("", AudioFormat::Mp3),
    ];
    for (name, format) in honest {
        assert_eq!(code_of(name, format), None, "{name}");
    }
}

proptest! {
    /// Facts come over the wire too: whatever they are, a verdict comes out, and numbers that are none are refused.
    #[test]
    fn any_facts_get_a_verdict(
        numbers in prop::array::uniform5(any::<f64>()),
        declared in prop::option::of(any::<f64>()),
        counts in (any::<u64>(), any::<u32>(), any::<u16>(), any::<u64>(), any::<u32>(), any::<u16>()),
        name in prop::option::of(".{0,20}"),
    ) {
        let [duration_seconds, mean, peak, clipped_share, _] = numbers;
        let facts = AudioFacts {
            size_bytes: counts.0,
            duration_seconds,
            declared_duration_seconds: declared,
            sample_rate_hz: counts.1,
            channels: counts.2,
            bitrate_bps: counts.3,
            mean_volume_dbfs: Some(mean),
            peak_dbfs: Some(peak),
            clipped_share,
            decode_errors: counts.4,
            ignored_streams: counts.5,
            ..good()
        };
        let finite = [duration_seconds, mean, peak, clipped_share].iter().all(|number| number.is_finite());
        let verdict = judge(facts, name.as_deref(), &AudioLimits::default());
        prop_assert!(finite || !verdict.accepted());
        let codes: Vec<FindingCode> = verdict.findings.iter().map(|finding| finding.code).collect();
        prop_assert!(codes.is_sorted(), "{codes:?} are in the order of the checks, each at most once");
        prop_assert!(verdict.findings.iter().all(|finding: &Finding| !finding.message.is_empty()));
    }
}

#[test]
fn no_number_that_is_none_gets_through() {
    let broken: [fn(&mut AudioFacts); 5] = [
        |f| f.duration_seconds = f64::NAN,
        |f| f.mean_volume_dbfs = Some(f64::NAN),
        |f| f.peak_dbfs = Some(f64::INFINITY),
        |f| f.clipped_share = f64::NAN,
        |f| f.declared_duration_seconds = Some(f64::INFINITY),
    ];
    for (case, breaks) in broken.into_iter().enumerate() {
        let mut facts = good();
        breaks(&mut facts);
        let verdict = judge(facts, None, &AudioLimits::default());
        assert!(verdict.errors().any(|finding| finding.code == FindingCode::CorruptFile), "case {case}");
    }
}

#[test]
fn formats_by_ending_and_by_name() {
    for format in AudioFormat::ALL {
        assert_eq!(AudioFormat::from_extension(&format.as_str().to_uppercase()), Some(format));
        assert_eq!(format.as_str().parse(), Ok(format));
        assert!(format.media_type().starts_with("audio/"));
    }
    let listed: Vec<&str> = AudioFormat::LIST.split([',', ' ']).filter(|word| !["", "or"].contains(word)).collect();
    assert_eq!(listed, AudioFormat::ALL.map(AudioFormat::as_str), "the list for sentences has them all");
    let error = "midi".parse::<AudioFormat>().unwrap_err();
    assert!(error.to_string().ends_with(AudioFormat::LIST), "{error}");
    assert!("other".parse::<AudioFormat>().is_err(), "not one that could be allowed");
    assert!(!AudioLimits::default().allowed_formats.contains(&AudioFormat::Other));
}

#[test]
fn stored_facts_of_a_newer_version_are_read() {
    let mut stored = serde_json::to_value(good()).unwrap();
    stored["format"] = "holographic".into();
    let read: AudioFacts = serde_json::from_value(stored).unwrap();
    assert_eq!(read.format, AudioFormat::Other);
    assert_eq!(serde_json::to_value(&read).unwrap()["format"], "other");
    for format in AudioFormat::ALL {
        let facts = AudioFacts { format, ..good() };
        assert_eq!(serde_json::from_value::<AudioFacts>(serde_json::to_value(&facts).unwrap()).unwrap(), facts);
    }
}
