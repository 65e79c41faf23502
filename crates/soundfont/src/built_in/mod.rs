//! A small font of our own, computed at run time and written as a SoundFont, so that it goes the same way as any other.

mod sf2;
mod tones;

use sf2::{Instrument, Sample, Zone};

/// Bank that holds drums.
const DRUM_BANK: u16 = 128;

/// The built-in font as a SoundFont 2 file, the same on every call: piano (program 0), electric piano (4), steel guitar
/// (25), electric guitar (27), basses (32, 33), strings (48), pad (89) and a drum kit. About 5 MB.
pub fn built_in_bytes() -> Vec<u8> {
    let mut font = Font { samples: Vec::new(), instruments: Vec::new() };
    let long = Shape { release_seconds: 0.45, room: 0.12, ..Shape::default() };
    font.pitched("Piano", &[36, 45, 54, 62, 70, 79], &[0], long, |key| (tones::piano(key, 3.2), None));
    font.pitched("Electric piano", &[40, 52, 64, 76], &[4], Shape { attenuation_db: 2.0, ..long }, |key| {
        (tones::electric_piano(key, 2.8), None)
    });
    let strung = Shape { release_seconds: 0.3, ..long };
    font.pitched("Guitar", &[40, 46, 52, 58, 64, 71], &[25], strung, |key| (tones::plucked(key, 2.6, 0.45, 0.7), None));
    font.pitched("Electric guitar", &[40, 50, 60, 70], &[27], Shape { release_seconds: 0.15, ..long }, |key| {
        (tones::plucked(key, 2.4, 0.65, 0.8), None)
    });
    font.pitched(
        "Bass",
        &[28, 36, 44],
        &[32, 33],
        Shape { release_seconds: 0.12, room: 0.03, ..Shape::default() },
        |key| (tones::plucked(key, 2.6, 0.93, 1.0), None),
    );
    let slow = Shape { attack_seconds: 0.18, release_seconds: 0.6, attenuation_db: 4.0, room: 0.25 };
    font.pitched("Strings", &[43, 55, 67], &[48], slow, |key| sustained(key, 0.6));
    font.pitched("Pad", &[43, 55, 67], &[89], Shape { attack_seconds: 0.35, ..slow }, |key| sustained(key, 0.15));
    font.drums();
    sf2::write("Descant built-in", &font.samples, &font.instruments)
}

fn sustained(key: u8, bright: f32) -> (Vec<f32>, Option<f32>) {
    let (wave, off_cents) = tones::sustained(key, bright);
    (wave, Some(off_cents))
}

/// How the keys of an instrument speak.
#[derive(Clone, Copy, Default)]
struct Shape {
    attack_seconds: f64,
    release_seconds: f64,
    attenuation_db: f64,
    room: f64,
}

struct Font {
    samples: Vec<Sample>,
    instruments: Vec<Instrument>,
}

impl Font {
    /// Samples at some keys, each sounding from halfway after the one below to halfway before the one above. `make`
    /// gives a wave, and for one that repeats as a whole by how many cents it is off.
    fn pitched(
        &mut self,
        name: &str,
        keys: &[u8],
        programs: &[u16],
        shape: Shape,
        make: impl Fn(u8) -> (Vec<f32>, Option<f32>),
    ) {
        let mut zones = Vec::new();
        for (index, &key) in keys.iter().enumerate() {
            let from = if index == 0 { 0 } else { (keys[index - 1] + key) / 2 + 1 };
            let until = keys.get(index + 1).map_or(127, |above| (key + above) / 2);
            let (wave, off_cents) = make(key);
            zones.push(Zone {
                keys: (from, until),
                sample: self.samples.len(),
                pan_per_mille: 0,
                attack_seconds: shape.attack_seconds,
                release_seconds: shape.release_seconds,
                attenuation_db: shape.attenuation_db,
                room: shape.room,
            });
            self.samples.push(Sample {
                name: format!("{name} {key}"),
                repeats: off_cents.map(|_| (0, wave.len())),
                correction_cents: -off_cents.unwrap_or(0.0).round() as i8,
                wave,
                root_key: key,
            });
        }
        let presets = programs.iter().map(|&program| (0, program)).collect();
        self.instruments.push(Instrument { name: name.to_owned(), zones, presets });
    }

    fn drums(&mut self) {
        let kit: [(u8, &str, Vec<f32>, i16, f64); 6] = [
            (36, "Kick", tones::kick(), 0, 0.0),
            (37, "Side stick", tones::hiss(0.12, 0.012, 900.0, 5_000.0, Some(820.0)), 60, 5.0),
            (38, "Snare", tones::hiss(0.35, 0.08, 400.0, 7_500.0, Some(190.0)), 0, 3.0),
            (42, "Closed hat", tones::hiss(0.12, 0.022, 6_500.0, 15_000.0, None), 200, 11.0),
            (46, "Open hat", tones::hiss(0.6, 0.16, 6_500.0, 15_000.0, None), 200, 11.0),
            (49, "Crash", tones::hiss(1.8, 0.5, 3_500.0, 14_000.0, None), -200, 9.0),
        ];
        let mut zones = Vec::new();
        for (key, name, wave, pan_per_mille, attenuation_db) in kit {
            zones.push(Zone {
                keys: (key, key),
                sample: self.samples.len(),
                pan_per_mille,
                attack_seconds: 0.0,
                // A drum sounds on when its key is let go.
                release_seconds: 1.5,
                attenuation_db,
                room: 0.08,
            });
            self.samples.push(Sample {
                name: name.to_owned(),
                wave,
                root_key: key,
                correction_cents: 0,
                repeats: None,
            });
        }
        self.instruments.push(Instrument { name: "Drums".to_owned(), zones, presets: vec![(DRUM_BANK, 0)] });
    }
}
