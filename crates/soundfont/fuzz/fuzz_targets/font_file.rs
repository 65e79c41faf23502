//! Any bytes as a sound font (SoundFont 2 and SF3): refused, or played in its presets and as drums.

#![no_main]

mod quiet;

use libfuzzer_sys::fuzz_target;
use music::{
    MidiPitch,
    harmony::{DRUM_CHANNEL, Part, PartNote},
};
use soundfont::Instruments;

const SECONDS: f64 = 0.1;
const RATE_HZ: u32 = 16_000;

fuzz_target!(init: quiet::let_libraries_panic(), |bytes: &[u8]| {
    let Ok(instruments) = Instruments::from_bytes("fuzzed", bytes) else { return };
    let note = |(index, key): (usize, u8)| PartNote {
        onset_seconds: 0.01 * index as f64,
        duration_seconds: 0.05,
        pitch: MidiPitch::new(key),
        velocity: 20 + 50 * (index % 3) as u8,
    };
    let part = |channel, program, keys: &[u8]| Part {
        name: String::new(),
        channel,
        program,
        notes: keys.iter().copied().enumerate().map(note).collect(),
    };
    let keys = [60, 0, 127, 36, 84, 61];
    let parts = [
        part(1, 0, &keys),
        part(2, 5, &keys),
        part(3, 127, &keys),
        part(DRUM_CHANNEL, 0, &[36, 38, 42, 46, 44, 49]),
    ];
    let Ok(mut playing) = instruments.play(&parts, SECONDS, RATE_HZ) else { return };
    let mut frames = 0;
    for block in &mut playing {
        assert!(block.iter().all(|sample| sample.is_finite()), "sound that is no number");
        frames += block.len() / 2;
    }
    assert_eq!(frames, (SECONDS * f64::from(RATE_HZ)) as usize, "not as long as it was asked for");
});
