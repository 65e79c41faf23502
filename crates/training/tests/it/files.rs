//! What becomes of files that people send.

use std::{io::Write, ops::ControlFlow};

use flate2::{Compression, write::GzEncoder};
use media::{Encoding, Tags, sample};
use training::{Limits, NamedFile, Options, TrainingError, Verdict, prepare};

use crate::support::{RATE_HZ, encoded, lenient, lines, named, report, run, silence, some_song, wav, zip_of};

#[track_caller]
fn check(inputs: Vec<NamedFile>, options: &Options, expected: &[&str]) {
    assert_eq!(lines(&report(inputs, options)), expected);
}

#[test]
fn every_format_is_read() {
    let song = some_song(1, 32.0);
    let of = |encoding| encoded(&song, encoding, &Tags::default());
    let files = [
        ("1.wav", of(Encoding::Wav16)),
        ("2.mp3", of(Encoding::Mp3 { kbps: 128 })),
        ("3.flac", encoded(&some_song(2, 32.0), Encoding::Flac, &Tags::default())),
        ("4.m4a", of(Encoding::M4a { kbps: 128 })),
        ("5.ogg", of(Encoding::Ogg { quality: 5.0 })),
    ];
    let inputs = files.iter().map(|(name, bytes)| named(name, bytes)).collect();
    let expected = files.each_ref().map(|(name, _)| format!("{name}: used in 1"));
    check(inputs, &lenient(), &expected.each_ref().map(String::as_str));
}

#[test]
fn bad_files_are_told_and_do_not_sink_the_good_ones() {
    let good = wav(&some_song(1, 32.0));
    let clipped: Vec<f32> = some_song(2, 32.0).iter().map(|x| (x * 40.0).clamp(-1.0, 1.0)).collect();
    let slow: Vec<f32> = some_song(3, 32.0).into_iter().step_by(4).collect();
    let slow = media::encode(&slow, RATE_HZ / 4, 1, Encoding::Wav16, &Tags::default()).unwrap();
    let stereo = media::encode(&sample::voice(32.0, RATE_HZ, 2), RATE_HZ, 2, Encoding::Flac, &Tags::default()).unwrap();
    let archive = zip_of(&[
        ("01 good.wav", &good),
        ("02 silent.wav", &wav(&silence(40.0))),
        ("03 clipped.wav", &wav(&clipped)),
        ("04 text.wav", b"this is no sound at all"),
        ("05 empty.wav", b""),
        ("06 cut.wav", &good[..good.len() / 2]),
        ("07 low rate.wav", &slow),
        ("08 short.wav", &wav(&some_song(4, 9.0))),
        ("09 copy.wav", &good),
        ("10 stereo.flac", &stereo),
        ("11 inner.zip", &zip_of(&[("a.wav", &good)])),
        ("12 same.flac", &encoded(&some_song(1, 32.0), Encoding::Flac, &Tags::default())),
        ("13 only silence around.wav", &wav(&[silence(30.0), some_song(5, 5.0)].concat())),
        ("cover.JPG", b"picture"),
    ]);
    check(
        vec![named("set.zip", &archive)],
        &lenient(),
        &[
            "set.zip/01 good.wav: used in 1",
            "set.zip/02 silent.wav: silent_audio",
            "set.zip/03 clipped.wav: severe_clipping",
            "set.zip/04 text.wav: not_audio",
            "set.zip/05 empty.wav: file_empty",
            "set.zip/06 cut.wav: truncated_file",
            "set.zip/07 low rate.wav: sample_rate_too_low",
            "set.zip/08 short.wav: too_short",
            "set.zip/09 copy.wav: same as set.zip/01 good.wav",
            "set.zip/10 stereo.flac: used in 1",
            "set.zip/11 inner.zip: nested_archive",
            "set.zip/12 same.flac: same as set.zip/01 good.wav",
            "set.zip/13 only silence around.wav: too_short",
            "set.zip/cover.JPG: passed over",
        ],
    );
}

#[test]
fn tar_archives_are_read_and_tricks_in_them_refused() {
    let good = wav(&some_song(1, 32.0));
    let mut tar = Vec::new();
    for (name, kind, bytes) in [
        ("good.wav", b'0', &good[..]),
        ("../../up.wav", b'0', &good),
        ("/etc/passwd", b'0', b"root"),
        ("link.wav", b'2', b""),
        ("device.wav", b'4', b""),
    ] {
        tar.extend(tar_entry(name, kind, bytes));
    }
    tar.extend([0; 1024]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar).unwrap();
    let expected = [
        "/good.wav: used in 1",
        "/link.wav: link",
        "/device.wav: not_a_file",
        "/up.wav: odd_name",
        "/etc/passwd: odd_name",
    ];
    for (name, bytes) in [("set.tar", tar.clone()), ("set.tar.gz", gzip.finish().unwrap())] {
        let mut found = lines(&report(vec![named(name, &bytes)], &lenient()));
        let mut wanted = expected.map(|line| format!("{name}{line}"));
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }
}

#[test]
fn a_bomb_is_refused_and_what_lies_beside_it_is_not() {
    let bomb = zip_of(&[("a.wav", &vec![0; 32 << 20])]);
    assert!(bomb.len() < 64 << 10);
    let inputs = vec![named("bomb.zip", &bomb), named("good.wav", &wav(&some_song(1, 32.0)))];
    check(inputs, &lenient(), &["bomb.zip: unpacks_too_much", "good.wav: used in 1"]);
}

#[test]
fn short_recordings_of_a_folder_are_joined() {
    let songs: Vec<Vec<u8>> = (0..4).map(|number| wav(&some_song(number, 12.0))).collect();
    let archive = zip_of(&[
        ("riffs/1.wav", &songs[0]),
        ("riffs/2.wav", &songs[1]),
        ("riffs/3.wav", &songs[2]),
        ("alone/4.wav", &songs[3]),
    ]);
    let report = report(vec![named("x.zip", &archive)], &lenient());
    // 36.6 s with the gaps: two pieces that overlap, and something of each recording in both.
    assert_eq!(
        lines(&report),
        [
            "x.zip/alone/4.wav: too_short_alone",
            "x.zip/riffs/1.wav: used in 2",
            "x.zip/riffs/2.wav: used in 2",
            "x.zip/riffs/3.wav: used in 2",
        ]
    );
    assert!(report.files[1].notes.iter().any(|note| note.contains("joined")), "{report:?}");
}

#[test]
fn too_little_says_how_much_there_is_and_why() {
    let inputs = vec![named("a.wav", &wav(&some_song(1, 31.0))), named("b.wav", b"nothing")];
    match run(inputs, &Options::default()) {
        Err(TrainingError::TooLittle { seconds, needed, report }) => {
            assert!((seconds - 30.2).abs() < 0.1 && needed == 60.0, "{seconds} of {needed}");
            assert_eq!(lines(&report), ["a.wav: used in 1", "b.wav: not_audio"]);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(run(Vec::new(), &lenient()), Err(TrainingError::TooLittle { seconds: 0.0, .. })));
}

#[test]
fn limits_hold_and_are_told() {
    let songs: Vec<Vec<u8>> = (0..3).map(|number| wav(&some_song(number, 31.0))).collect();
    let inputs = || ["a.wav", "b.wav", "c.wav"].iter().zip(&songs).map(|(name, song)| named(name, song)).collect();
    let with = |limits| Options { description: None, limits };
    let lenient = lenient().limits;
    let largest = songs.iter().map(Vec::len).max().unwrap() as u64;
    check(
        inputs(),
        &with(Limits { files: 3, ..lenient }),
        &["a.wav: used in 1", "b.wav: used in 1", "c.wav: used in 1"],
    );
    check(
        inputs(),
        &with(Limits { files: 2, ..lenient }),
        &["a.wav: used in 1", "b.wav: used in 1", "c.wav: too_many_files"],
    );
    check(
        inputs(),
        &with(Limits { files: 1, ..lenient }),
        &["a.wav: used in 1", "b.wav: too_many_files", "c.wav: too_many_files"],
    );
    check(
        inputs(),
        &with(Limits { file_bytes: largest - 1, ..lenient }),
        &["a.wav: too_large", "b.wav: too_large", "c.wav: too_large"],
    );
    check(
        inputs(),
        &with(Limits { unpacked_bytes: 2 * largest + 10, ..lenient }),
        &["a.wav: used in 1", "b.wav: used in 1", "c.wav: unpacks_too_large"],
    );
    check(
        inputs(),
        &with(Limits { total_seconds: 40.0, ..lenient }),
        &["a.wav: used in 1", "b.wav: used in 1", "c.wav: enough"],
    );
    check(
        inputs(),
        &with(Limits { file_seconds: 30.0, ..lenient }),
        &["a.wav: too_long", "b.wav: too_long", "c.wav: too_long"],
    );
}

#[test]
fn names_of_senders_are_only_names() {
    let good = wav(&some_song(1, 31.0));
    let report =
        report(vec![named("C:\\takes\\..\\one.wav", &good), named("../..", &wav(&some_song(2, 31.0)))], &lenient());
    assert_eq!(lines(&report), ["one.wav: used in 1", "recording-2: used in 1"]);
}

#[test]
fn work_can_be_stopped_and_progress_never_falls() {
    let inputs = || vec![named("a.wav", &wav(&some_song(1, 62.0))), named("b.wav", &wav(&some_song(2, 31.0)))];
    let mut shares = Vec::new();
    prepare(inputs(), &lenient(), &mut |share| {
        shares.push(share);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(shares.is_sorted() && shares.first() == Some(&0.0) && shares.last() == Some(&1.0), "{shares:?}");
    for stop_at in 0..shares.len() - 1 {
        let mut heard = 0;
        let stopped = prepare(inputs(), &lenient(), &mut |_| {
            heard += 1;
            if heard > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(stopped, Err(TrainingError::Stopped)), "{stop_at}");
    }
}

#[test]
fn figures_are_those_of_the_recording() {
    let quiet: Vec<f32> = some_song(1, 31.0).iter().map(|x| x * 0.1).collect();
    let report = report(vec![named("a.wav", &wav(&quiet))], &lenient());
    let file = &report.files[0];
    let figures = file.figures.as_ref().unwrap();
    let loudness = media::measure_loudness(&quiet, RATE_HZ, 1);
    assert!((figures.loudness_lufs.unwrap() - loudness.integrated_lufs.unwrap()).abs() < 0.5, "{figures:?}");
    assert_eq!((figures.format.as_str(), figures.codec.as_str()), ("wav", "pcm_s16le"));
    assert_eq!((figures.sample_rate_hz, figures.channels, figures.clipped_share), (RATE_HZ, 1, 0.0));
    assert!((figures.seconds - 31.0).abs() < 0.01 && figures.noise_distance_db > 5.0, "{figures:?}");
    assert!(matches!(&file.verdict, Verdict::Used { pieces } if pieces[..] == ["piece-0001.wav".to_owned()]));
}

/// One entry with any name and kind: the libraries that write archives refuse what attackers send.
fn tar_entry(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].fill(b' ');
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut entry = header.to_vec();
    entry.extend(bytes);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}
