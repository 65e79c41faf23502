//! From the audio that the stages made to what people listen to and work with. Pure computing on files and samples:
//! no IO but on the files that it is given, no objects, no rows. Blocks; runs on a bounded pool.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
};

use media::{Audio, Bounds, Encoding, Loudness, Tags};

use crate::{error::StorageError, waveform::Waveform};

/// Constant bitrate of the MP3 rendition.
const MP3_KBPS: u32 = 192;
/// Rate to which unusual rates are brought.
const STANDARD_RATE_HZ: u32 = 44_100;
/// Rates that stay as they are: those of MPEG-1 layer III (ISO/IEC 11172-3), the only ones at this bitrate.
const KEPT_RATES_HZ: [u32; 3] = [32_000, 44_100, 48_000];
/// Channels that stay as they are; MP3 has no more.
const KEPT_CHANNELS: [u16; 2] = [1, 2];

/// Rounding to 16 bits may lift a peak by so much.
const PEAK_TOLERANCE_DB: f64 = 0.1;

/// How loud a result shall be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct LoudnessTarget {
    pub(crate) target_lufs: f64,
    /// Audio this close to the target is left alone.
    pub(crate) tolerance_lu: f64,
    pub(crate) max_dbtp: f64,
}

impl LoudnessTarget {
    fn is_met_by(&self, loudness: &Loudness) -> bool {
        loudness.integrated_lufs.is_some_and(|lufs| (lufs - self.target_lufs).abs() <= self.tolerance_lu)
            && loudness.true_peak_dbtp.is_none_or(|peak| peak <= self.max_dbtp)
    }
}

/// What is to be made of one piece of audio.
pub(crate) struct Job {
    pub(crate) audio: File,
    pub(crate) audio_sha256: String,
    pub(crate) title: String,
    /// `None` for that of every result.
    pub(crate) mp3_kbps: Option<u32>,
    /// For the tags.
    pub(crate) comment: String,
    pub(crate) cover_png: Option<Vec<u8>>,
    /// Whether it is at its loudness already; then only a peak that is too high is seen to.
    pub(crate) is_mastered: bool,
    pub(crate) bounds: Bounds,
    pub(crate) target: LoudnessTarget,
}

/// What was made. The files are at their start.
pub(crate) struct Rendered {
    pub(crate) wav: File,
    pub(crate) mp3: File,
    pub(crate) waveform: Waveform,
}

/// Decodes, normalises unless that is done already, and encodes.
pub(crate) fn render(job: Job) -> Result<Rendered, StorageError> {
    let mut audio = decode(job.audio, &job.bounds)?;
    let loudness = if job.is_mastered { keep(&mut audio, &job.target) } else { normalise_to(&mut audio, &job.target) };
    let Audio { sample_rate_hz, channels, ref samples } = audio;
    let tags = Tags {
        title: Some(job.title),
        artist: Some("Descant".to_owned()),
        comment: Some(job.comment),
        cover_png: job.cover_png,
    };
    let encoded = |encoding| -> Result<File, StorageError> {
        let mut file = tempfile::tempfile()?;
        media::encode_to(file.try_clone()?, samples, sample_rate_hz, channels, encoding, &tags)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    };
    let frames = samples.len() / usize::from(channels.max(1));
    Ok(Rendered {
        wav: encoded(Encoding::Wav16)?,
        mp3: encoded(Encoding::Mp3 { kbps: job.mp3_kbps.unwrap_or(MP3_KBPS) })?,
        waveform: Waveform {
            version: Waveform::VERSION,
            source_sha256: job.audio_sha256,
            duration_seconds: frames as f64 / f64::from(sample_rate_hz),
            sample_rate_hz,
            channels,
            loudness_lufs: loudness.integrated_lufs,
            true_peak_dbtp: loudness.true_peak_dbtp,
            clipped_share: loudness.clipped_share,
            peaks: Waveform::rounded(media::waveform_peaks(samples, Waveform::BUCKETS)),
        },
    })
}

/// Decodes what the stages made. What MP3 cannot hold (an unusual rate, more than two channels) comes out as one channel
/// at the standard rate.
fn decode(mut file: File, bounds: &Bounds) -> Result<Audio, StorageError> {
    let audio = media::decode(file.try_clone()?, bounds)?;
    if KEPT_RATES_HZ.contains(&audio.sample_rate_hz) && KEPT_CHANNELS.contains(&audio.channels) {
        return Ok(audio);
    }
    drop(audio);
    file.seek(SeekFrom::Start(0))?;
    let mono = media::decode_mono(file, STANDARD_RATE_HZ, bounds)?;
    Ok(Audio { sample_rate_hz: mono.sample_rate_hz, channels: 1, samples: mono.samples })
}

/// Brings the audio to the target. What is too short or too quiet to have a loudness only gets its peaks limited.
fn normalise_to(audio: &mut Audio, target: &LoudnessTarget) -> Loudness {
    let (rate, channels) = (audio.sample_rate_hz, audio.channels);
    let measured = media::measure_loudness(&audio.samples, rate, channels);
    if target.is_met_by(&measured) {
        return measured;
    }
    media::normalise(&mut audio.samples, rate, channels, target.target_lufs, target.max_dbtp)
}

/// Leaves the audio as loud as it came. Whoever mastered it had the same peaks in mind; what still rises higher is turned
/// down as a whole.
fn keep(audio: &mut Audio, target: &LoudnessTarget) -> Loudness {
    let (rate, channels) = (audio.sample_rate_hz, audio.channels);
    let measured = media::measure_loudness(&audio.samples, rate, channels);
    let over = measured.true_peak_dbtp.map_or(0.0, |peak| peak - target.max_dbtp - PEAK_TOLERANCE_DB);
    if over <= 0.0 {
        return measured;
    }
    let gain = 10f64.powf(-(over + PEAK_TOLERANCE_DB) / 20.0) as f32;
    audio.samples.iter_mut().for_each(|sample| *sample *= gain);
    media::measure_loudness(&audio.samples, rate, channels)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TARGET: LoudnessTarget = LoudnessTarget { target_lufs: -16.0, tolerance_lu: 1.0, max_dbtp: -1.0 };

    fn voice(gain: f32, rate: u32, channels: u16) -> Vec<f32> {
        let mut samples = media::sample::voice(4.0, rate, channels);
        samples.iter_mut().for_each(|sample| *sample = (*sample * gain).clamp(-1.0, 1.0));
        samples
    }

    fn rendered(samples: &[f32], rate: u32, channels: u16) -> Rendered {
        rendered_as(samples, rate, channels, false)
    }

    fn rendered_as(samples: &[f32], rate: u32, channels: u16, is_mastered: bool) -> Rendered {
        let wav = media::encode(samples, rate, channels, Encoding::Wav16, &Tags::default()).unwrap();
        let mut audio = tempfile::tempfile().unwrap();
        audio.write_all(&wav).unwrap();
        audio.seek(SeekFrom::Start(0)).unwrap();
        render(Job {
            audio,
            audio_sha256: "0".repeat(64),
            mp3_kbps: None,
            title: "Tune".to_owned(),
            comment: "a test".to_owned(),
            cover_png: None,
            is_mastered,
            bounds: Bounds::default(),
            target: TARGET,
        })
        .unwrap()
    }

    #[test]
    fn quiet_and_loud_audio_comes_out_at_the_target() {
        for gain in [0.02, 0.2, 1.4] {
            for (rate, channels) in [(44_100, 1), (48_000, 2)] {
                let made = rendered(&voice(gain, rate, channels), rate, channels);
                for file in [made.wav, made.mp3] {
                    let audio = media::decode(file, &Bounds::default()).unwrap();
                    assert_eq!((audio.sample_rate_hz, audio.channels), (rate, channels));
                    let loudness = media::measure_loudness(&audio.samples, rate, channels);
                    let lufs = loudness.integrated_lufs.unwrap();
                    assert!((lufs + 16.0).abs() <= 1.0, "gain {gain}: {lufs} LUFS");
                    // Lossy coding moves single peaks a little.
                    assert!(loudness.true_peak_dbtp.unwrap() <= -0.5, "gain {gain}: {loudness:?}");
                }
                assert!(made.waveform.true_peak_dbtp.unwrap() <= -1.0 + 1e-6);
            }
        }
    }

    #[test]
    fn audio_at_the_target_is_left_alone() {
        let mut samples = voice(1.0, 44_100, 1);
        media::normalise(&mut samples, 44_100, 1, -16.6, -2.0);
        let made = rendered(&samples, 44_100, 1);
        let audio = media::decode(made.wav, &Bounds::default()).unwrap();
        assert_eq!(audio.samples.len(), samples.len());
        let moved = audio.samples.iter().zip(&samples).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(moved < 1e-4, "only rounding to 16 bits, not {moved}");
        assert!((made.waveform.loudness_lufs.unwrap() + 16.6).abs() < 0.2);
    }

    #[test]
    fn what_was_mastered_elsewhere_stays_as_loud_as_it_is() {
        let mut samples = voice(1.0, 44_100, 2);
        media::normalise(&mut samples, 44_100, 2, -12.0, -1.0);
        let made = rendered_as(&samples, 44_100, 2, true);
        assert!((made.waveform.loudness_lufs.unwrap() + 12.0).abs() < 0.5, "{:?}", made.waveform.loudness_lufs);
        samples.iter_mut().for_each(|sample| *sample *= 1.3);
        let made = rendered_as(&samples, 44_100, 2, true);
        assert!(made.waveform.true_peak_dbtp.unwrap() <= -0.9, "{:?}", made.waveform.true_peak_dbtp);
    }

    #[test]
    fn silence_and_clicks_stay_what_they_are() {
        let made = rendered(&vec![0.0; 44_100], 44_100, 1);
        assert_eq!((made.waveform.loudness_lufs, made.waveform.true_peak_dbtp), (None, None));
        let made = rendered(&voice(0.1, 44_100, 1)[..4000], 44_100, 1);
        assert_eq!(made.waveform.loudness_lufs, None, "too short to have a loudness");
    }

    #[test]
    fn unusual_shapes_become_playable() {
        for (rate, channels) in [(22_050, 1), (96_000, 2), (44_100, 6)] {
            let made = rendered(&voice(0.5, rate, channels), rate, channels);
            assert_eq!((made.waveform.sample_rate_hz, made.waveform.channels), (44_100, 1));
            assert!((made.waveform.duration_seconds - 4.0).abs() < 0.01, "{}", made.waveform.duration_seconds);
            assert_eq!(made.waveform.peaks.len(), Waveform::BUCKETS);
        }
    }

    #[test]
    fn what_is_no_sound_is_refused_for_good() {
        let mut audio = tempfile::tempfile().unwrap();
        audio.write_all(&[b'x'; 1000]).unwrap();
        audio.seek(SeekFrom::Start(0)).unwrap();
        let refused = decode(audio, &Bounds::default()).unwrap_err();
        assert!(matches!(refused, StorageError::Media(_)) && !refused.is_retryable(), "{refused:?}");
    }
}
