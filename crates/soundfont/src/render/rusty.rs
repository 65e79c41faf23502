//! The renderer over rustysynth.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use rustysynth::{SoundFont, Synthesizer, SynthesizerSettings};

use super::{BLOCK_FRAMES, Message, Renderer, Session, StemEvents, StemPlayer};
use crate::{
    FontError, Instruments, PresetId,
    font::{DRUM_BANK, Used},
};

const VERSION: &str = "1.3";
/// As many as the library allows: stolen voices are heard, idle ones cost nothing.
const VOICES: usize = 256;
/// The library leaves out what is 60 dB below full scale in its own volume. With this volume that is −84 dB, and the
/// sound is brought back afterwards; both are powers of two, so that nothing else changes.
const VOLUME: f32 = 8.0;
const BACK: f32 = 0.5 / VOLUME;
/// The one that the library plays drums on.
const DRUM_CHANNEL: u8 = 9;
/// Channels of an instance for anything else.
const OTHER_CHANNELS: [u8; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15];

// MIDI status bytes.
const CONTROL: i32 = 0xB0;
const PROGRAM: i32 = 0xC0;
const BEND: i32 = 0xE0;

/// Plays SoundFont 2 and SF3 files with rustysynth. Its reverb and chorus stay off.
#[derive(Clone, Debug)]
pub struct RustySynth {
    instruments: Instruments,
}

impl RustySynth {
    pub const fn new(instruments: Instruments) -> Self {
        Self { instruments }
    }
}

impl Renderer for RustySynth {
    fn name(&self) -> String {
        format!("rustysynth {VERSION}")
    }

    fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    fn begin(&self, stems: &[StemEvents<'_>], sample_rate_hz: u32) -> Result<Session, FontError> {
        let prepared = self.instruments.font().prepare(&used(stems), sample_rate_hz)?;
        let mut warnings = Vec::new();
        let name = self.instruments.name();
        if let Some(unplayable) = prepared.as_ref().map(|prepared| prepared.unplayable_zones).filter(|count| *count > 0)
        {
            warnings
                .push(format!("{unplayable} zones of {name} have samples that cannot be played, and are not heard"));
        }
        let font = prepared.as_ref().map(|prepared| &prepared.font);
        let players = stems.iter().map(|stem| {
            let player = Player::new(name, font, stem.lines, sample_rate_hz)?;
            Ok(Box::new(player) as Box<dyn StemPlayer>)
        });
        Ok(Session {
            stems: players.collect::<Result<_, FontError>>()?,
            warnings,
            sample_bytes: prepared.as_ref().map_or(0, |prepared| prepared.sample_bytes),
        })
    }
}

/// Keys and velocities that presets are asked for.
fn used(stems: &[StemEvents<'_>]) -> Used {
    let mut used = Used::new();
    for stem in stems {
        let mut presets: BTreeMap<u16, PresetId> = BTreeMap::new();
        for event in stem.events {
            match event.message {
                Message::Preset(id) => {
                    presets.insert(event.line, id);
                }
                Message::NoteOn { key, velocity } => {
                    if let Some(id) = presets.get(&event.line) {
                        used.entry(*id).or_default().insert((key, velocity));
                    }
                }
                _ => {}
            }
        }
    }
    used
}

/// One stem: as many instances of the synthesizer as its lines need.
struct Player {
    font: String,
    instances: Vec<Synthesizer>,
    /// Instance and channel of each line.
    places: Vec<(usize, u8)>,
}

impl Player {
    fn new(name: &str, font: Option<&Arc<SoundFont>>, lines: &[bool], sample_rate_hz: u32) -> Result<Self, FontError> {
        let (mut drums, mut others) = (0, 0);
        let places: Vec<(usize, u8)> = lines
            .iter()
            .map(|is_drums| {
                let count = if *is_drums { &mut drums } else { &mut others };
                *count += 1;
                if *is_drums {
                    (*count - 1, DRUM_CHANNEL)
                } else {
                    let place: usize = *count - 1;
                    (place / OTHER_CHANNELS.len(), OTHER_CHANNELS[place % OTHER_CHANNELS.len()])
                }
            })
            .collect();
        let needed = places.iter().map(|(instance, _)| instance + 1).max().unwrap_or(0);
        let refused = || FontError::Rendering { seconds: 0.0, sample_rate_hz };
        let mut settings = SynthesizerSettings::new(i32::try_from(sample_rate_hz).map_err(|_| refused())?);
        settings.block_size = BLOCK_FRAMES;
        settings.maximum_polyphony = VOICES;
        settings.enable_reverb_and_chorus = false;
        let mut instances = Vec::new();
        if let Some(font) = font {
            for _ in 0..needed {
                let mut synthesizer = fenced(name, || Synthesizer::new(font, &settings))?.map_err(|_| refused())?;
                synthesizer.set_master_volume(VOLUME);
                instances.push(synthesizer);
            }
        }
        Ok(Self { font: name.to_owned(), instances, places })
    }
}

/// What a font makes of the library must not end the process.
fn fenced<T>(name: &str, work: impl FnOnce() -> T) -> Result<T, FontError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| FontError::Synthesizer { name: name.to_owned() })
}

impl StemPlayer for Player {
    fn send(&mut self, line: u16, message: Message) -> Result<(), FontError> {
        let Some((instance, channel)) = self.places.get(usize::from(line)).copied() else { return Ok(()) };
        let Some(synthesizer) = self.instances.get_mut(instance) else { return Ok(()) };
        fenced(&self.font, || pass_on(synthesizer, channel.into(), message))
    }

    fn play(&mut self, left: &mut [f32; BLOCK_FRAMES], right: &mut [f32; BLOCK_FRAMES]) -> Result<(), FontError> {
        left.fill(0.0);
        right.fill(0.0);
        let (mut own_left, mut own_right) = ([0.0; BLOCK_FRAMES], [0.0; BLOCK_FRAMES]);
        for synthesizer in &mut self.instances {
            fenced(&self.font, || synthesizer.render(&mut own_left, &mut own_right))?;
            for (sum, own) in [(&mut *left, &own_left), (&mut *right, &own_right)] {
                for (sum, own) in sum.iter_mut().zip(own) {
                    *sum += if own.is_finite() { own * BACK } else { 0.0 };
                }
            }
        }
        Ok(())
    }
}

fn pass_on(synthesizer: &mut Synthesizer, channel: i32, message: Message) {
    let mut control = |number: i32, value: i32| synthesizer.process_midi_message(channel, CONTROL, number, value);
    let mut parameter = |number: i32, high: i32, low: i32| {
        for (number, value) in [(101, 0), (100, number), (6, high), (38, low)] {
            control(number, value);
        }
    };
    match message {
        Message::Preset(PresetId { bank, program }) => {
            // The library adds the bank of drums on their channel.
            control(0, (bank % DRUM_BANK).into());
            synthesizer.process_midi_message(channel, PROGRAM, program.into(), 0);
        }
        Message::NoteOn { key, velocity } => synthesizer.note_on(channel, key.into(), velocity.into()),
        Message::NoteOff { key } => synthesizer.note_off(channel, key.into()),
        Message::Controller { number, value } => control(number.into(), value.into()),
        Message::PitchBend(bend) => {
            let bend = i32::from(bend) + 8_192;
            synthesizer.process_midi_message(channel, BEND, bend & 127, bend >> 7);
        }
        Message::BendRange { semitones, cents } => parameter(0, semitones.into(), cents.into()),
        Message::FineTune(value) => parameter(1, (value >> 7).into(), (value & 127).into()),
        Message::CoarseTune(semitones) => parameter(2, i32::from(semitones) + 64, 0),
        Message::SoundOff => synthesizer.note_off_all_channel(channel, true),
    }
}
