//! What a trainer gets.

use media::{Encoding, Tags, measure_loudness};
use training::{Options, Report, SAMPLE_RATE_HZ};

use crate::support::{
    encoded, entries, entry, lenient, lines, named, run, silence, some_song, song, sound, wav, zip_of,
};

/// What a trainer takes of a file. Shorter ones it leaves out.
const TAKEN_SECONDS: f64 = 30.0;

#[test]
fn pieces_are_what_trainers_take() {
    let loud: Vec<f32> = song(80.0, 120.0, 60).iter().map(|x| (x * 1.6).clamp(-0.99, 0.99)).collect();
    let quiet: Vec<f32> = some_song(3, 62.0).iter().map(|x| x * 0.05).collect();
    let inputs = vec![
        named("loud.wav", &wav(&loud)),
        named("quiet.mp3", &encoded(&quiet, Encoding::Mp3 { kbps: 192 }, &Tags::default())),
    ];
    let prepared = run(inputs, &Options::default()).unwrap();
    assert_eq!(lines(&prepared.report), ["loud.wav: used in 3", "quiet.mp3: used in 2"]);
    assert_eq!(prepared.pieces, 5);
    for piece in &prepared.report.pieces {
        let audio = sound(&prepared.archive, &piece.name);
        assert_eq!((audio.sample_rate_hz, audio.channels), (SAMPLE_RATE_HZ, 1), "{piece:?}");
        let seconds = audio.duration_seconds();
        assert!(seconds > TAKEN_SECONDS + 0.1 && (seconds - piece.seconds).abs() < 0.001, "{seconds} {piece:?}");
        let loudness = measure_loudness(&audio.samples, audio.sample_rate_hz, 1);
        let (lufs, peak) = (loudness.integrated_lufs.unwrap(), loudness.true_peak_dbtp.unwrap());
        assert!((lufs - -16.0).abs() < 0.5 && peak <= -0.9, "{lufs} LUFS, {peak} dBTP of {piece:?}");
        assert!((lufs - piece.loudness_lufs.unwrap()).abs() < 0.1, "what is said is what there is");
    }
    let sum: f64 = prepared.report.pieces.iter().map(|piece| piece.seconds).sum();
    assert!((sum - prepared.seconds).abs() < 1e-6);
    let text = serde_json::to_string(&prepared.report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap().pieces, prepared.report.pieces);
}

#[test]
fn the_archive_holds_pairs_and_a_manifest_and_nobody_s_names() {
    let inputs = vec![named("Anna's birthday.wav", &wav(&some_song(1, 62.0)))];
    let prepared = run(inputs, &lenient()).unwrap();
    assert_eq!(
        entries(&prepared.archive),
        ["piece-0001.wav", "piece-0001.txt", "piece-0002.wav", "piece-0002.txt", "manifest.json"]
    );
    let manifest = String::from_utf8(entry(&prepared.archive, "manifest.json")).unwrap();
    assert!(!manifest.contains("Anna"), "{manifest}");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["pieces"].as_array().map(Vec::len), Some(2));
    assert_eq!(manifest["sampleRateHz"], SAMPLE_RATE_HZ);
    for piece in &prepared.report.pieces {
        let caption = String::from_utf8(entry(&prepared.archive, &piece.name.replace(".wav", ".txt"))).unwrap();
        assert_eq!(caption, format!("{}\n", piece.caption));
        assert!(!caption.trim().is_empty() && caption.lines().count() == 1, "{caption:?}");
    }
}

#[test]
fn captions_say_what_is_known_and_heard() {
    let song = song(31.0, 120.0, 60);
    let tags = Tags { comment: Some("slide guitar by Anna".to_owned()), ..Tags::default() };
    let described = Options { description: Some("a worn\ntelecaster".to_owned()), ..lenient() };
    let check = |inputs, options: &Options, expected: &str| {
        let report = run(inputs, options).unwrap().report;
        assert!(report.pieces.iter().all(|piece| piece.caption.starts_with(expected)), "{:?}", report.pieces);
    };
    let tagged = encoded(&song, Encoding::Flac, &tags);
    check(
        vec![named("Blues take.flac", &tagged)],
        &described,
        "a worn telecaster, blues, slide guitar, 120 bpm, C major",
    );
    let beside = zip_of(&[("x/a.flac", &tagged), ("x/a.TXT", b"own words\r\n")]);
    check(vec![named("set.zip", &beside)], &described, "own words, slide guitar, 120 bpm, C major");
    check(vec![named("a.wav", &wav(&song))], &lenient(), "120 bpm, C major");
}

#[test]
fn the_same_recordings_give_the_same_bytes_in_whatever_order() {
    let songs: Vec<Vec<u8>> = (0..3).map(|number| wav(&some_song(number, 14.0 + 12.0 * f64::from(number)))).collect();
    let names = ["b.wav", "a.wav", "c.wav"];
    let inputs = |order: [usize; 3]| order.map(|i| named(names[i], &songs[i])).into();
    let first = run(inputs([0, 1, 2]), &lenient()).unwrap();
    let second = run(inputs([2, 0, 1]), &lenient()).unwrap();
    assert_eq!((&first.sha256, first.size_bytes), (&second.sha256, second.size_bytes));
    assert_eq!(first.report, second.report);
    assert_eq!(first.archive.metadata().unwrap().len(), first.size_bytes);
    let other = Options { description: Some("something else".to_owned()), ..lenient() };
    assert_ne!(run(inputs([0, 1, 2]), &other).unwrap().sha256, first.sha256);
}

#[test]
fn silence_is_left_out_and_rests_stay() {
    let part = some_song(2, 20.0);
    let long = [silence(12.0), part.clone(), silence(20.0), part, silence(9.0)].concat();
    let prepared = run(vec![named("gaps.wav", &wav(&long))], &lenient()).unwrap();
    let figures = prepared.report.files[0].figures.as_ref().unwrap();
    assert!((figures.kept_seconds - 40.5).abs() < 1.0, "{figures:?}");
    let audio = sound(&prepared.archive, "piece-0001.wav");
    let frame = SAMPLE_RATE_HZ as usize / 10;
    let is_silent = |part: &[f32]| part.iter().all(|sample| sample.abs() < 0.001);
    let longest = audio.samples.chunks(frame).collect::<Vec<_>>();
    let longest =
        longest.chunk_by(|a, b| is_silent(a) == is_silent(b)).filter(|run| is_silent(run[0])).map(<[_]>::len).max();
    assert!(longest.unwrap_or(0) <= 10, "a gap of {longest:?} tenths of a second is left");
}

#[test]
fn a_quiet_passage_stays_quieter() {
    let mut song = some_song(4, 62.0);
    let half = song.len() / 2;
    song[half..].iter_mut().for_each(|sample| *sample *= 0.1);
    let prepared = run(vec![named("a.wav", &wav(&song))], &lenient()).unwrap();
    let lufs: Vec<f64> = prepared.report.pieces.iter().map(|piece| piece.loudness_lufs.unwrap()).collect();
    assert!((lufs[0] - -16.0).abs() < 0.5, "{lufs:?}");
    // It lies some 14 LU below the whole, of which up to 6 are made up for.
    assert!(lufs[1] < -20.0 && lufs[1] > -32.0, "{lufs:?}");
}
