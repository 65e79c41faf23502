//! Any MIDI file played with the built-in instruments: what a legal song asks of the synthesizer must not tear it.

#![no_main]

mod quiet;

use std::{ops::ControlFlow, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use music::smf::{self, Limits};
use soundfont::{Instruments, RenderError, RenderSettings, RustySynth, StemMix, StemSpec, render};

static RENDERER: LazyLock<RustySynth> =
    LazyLock::new(|| RustySynth::new(Instruments::built_in().expect("a test of the crate sees to it")));

const LIMITS: Limits = Limits {
    bytes: 16 << 10,
    seconds: 0.5,
    tail_seconds: 0.2,
    notes: 60,
    events: 600,
    tracks: 6,
    text_bytes: 100,
    warnings: 1,
};
/// Of the work, which begins to repeat itself in the tail.
const ENOUGH: f64 = 0.95;

fuzz_target!(
    init: {
        quiet::let_libraries_panic();
        LazyLock::force(&RENDERER);
    },
    |bytes: &[u8]| {
        let Ok(song) = smf::read(bytes, &LIMITS) else { return };
        let stems = [StemSpec {
            name: "all".to_owned(),
            parts: (0..song.score.parts.len()).collect(),
            mix: StemMix::PLAIN,
        }];
        let settings = RenderSettings { sample_rate_hz: 16_000, ..RenderSettings::default() };
        let mut until_enough =
            |share: f64| if share < ENOUGH { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        match render(&*RENDERER, &song.score, &stems, &settings, &mut until_enough) {
            Ok(_) | Err(RenderError::Stopped) => {}
            Err(error) => panic!("{error}"),
        }
    }
);
