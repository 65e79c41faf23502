//! Writes the fonts that the fuzzer begins with into the folder that is named: plain ones of every shape that the tests of
//! the crate make, and one of which a sample is compressed.

#[path = "../tests/it/common/mod.rs"]
mod common;

use std::{fs, io, path::Path};

use common::{CLASS, INSTRUMENT, KEYS, MODE, PAN, ROOT, SAMPLE, TestFont, TestSample, VELOCITIES, range};

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| io::Error::other("name the folder for them"))?;
    fs::create_dir_all(&folder)?;
    let hat = |key, pan: i16| {
        vec![(KEYS, range(key, key)), (PAN, pan as u16), (MODE, 1), (CLASS, 1), (ROOT, key), (SAMPLE, 0)]
    };
    let drums = vec![hat(46, -500), hat(46, 500), hat(42, -500), hat(42, 500), hat(36, 0)];
    let zone =
        |low, high, sample| vec![(KEYS, range(0, 127)), (VELOCITIES, range(low, high)), (MODE, 1), (SAMPLE, sample)];
    let layered = TestFont {
        samples: vec![TestSample::sine(50, 4), TestSample::sine(20, 10)],
        instruments: vec![vec![zone(0, 63, 0), zone(64, 127, 1)], drums.clone()],
        presets: vec![
            (0, 0, vec![vec![(INSTRUMENT, 0)]]),
            (0, 5, vec![vec![(INSTRUMENT, 0)], vec![(INSTRUMENT, 1)]]),
            (128, 0, vec![vec![(INSTRUMENT, 1)]]),
        ],
        modulators: vec![(0x0502, 48, 960); 2],
        copyright: Some("nobody's".to_owned()),
        forgets_pad: false,
    };
    let tone: Vec<f32> = (0..2_000).map(|i| (i as f32 * 0.06).sin() * 0.5).collect();
    let stream = media::encode(&tone, 44_100, 1, media::Encoding::Ogg { quality: 1.0 }, &media::Tags::default());
    let bytes = stream.map_err(io::Error::other)?;
    let compressed = TestSample { bytes, is_compressed: true, ..TestSample::of(&[], (100, 1_900)) };
    let plain = vec![vec![(KEYS, range(0, 127)), (MODE, 1), (SAMPLE, 0)]];
    let fonts = [
        ("drums", TestFont::of(vec![TestSample::sine(50, 4)], 128, drums)),
        ("layered", layered),
        ("compressed", TestFont::of(vec![compressed.clone()], 0, plain.clone())),
        ("unpadded", TestFont { forgets_pad: true, ..TestFont::of(vec![compressed], 0, plain) }),
    ];
    for (name, font) in fonts {
        fs::write(Path::new(&folder).join(name), font.bytes())?;
    }
    Ok(())
}
