//! Writes SoundFont 2 files ("SoundFont Technical Specification", version 2.04, E-mu Systems 2006): instruments of key
//! ranges, a sample each.

/// Recorded or computed sound of one pitch.
pub(super) struct Sample {
    pub name: String,
    /// −1..1.
    pub wave: Vec<f32>,
    pub root_key: u8,
    /// What brings the sound to the pitch of its key.
    pub correction_cents: i8,
    /// First sample and the one after the last of what is repeated while a key is held.
    pub repeats: Option<(usize, usize)>,
}

/// A range of keys that a sample sounds for.
pub(super) struct Zone {
    pub keys: (u8, u8),
    pub sample: usize,
    pub pan_per_mille: i16,
    pub attack_seconds: f64,
    pub release_seconds: f64,
    /// How much softer than full, in dB.
    pub attenuation_db: f64,
    /// Share of the sound that goes to the room, 0 to 1.
    pub room: f64,
}

pub(super) struct Instrument {
    pub name: String,
    pub zones: Vec<Zone>,
    /// Bank and General MIDI program of each preset that plays it.
    pub presets: Vec<(u16, u16)>,
}

pub(super) const SAMPLE_RATE_HZ: u32 = 44_100;
/// Zeros after each sample, as the specification asks for.
const GUARD: usize = 46;

// Generators.
const PAN: u16 = 17;
const ROOM: u16 = 16;
const ATTACK: u16 = 34;
const RELEASE: u16 = 38;
const INSTRUMENT: u16 = 41;
const KEYS: u16 = 43;
const ATTENUATION: u16 = 48;
const SAMPLE: u16 = 53;
const MODE: u16 = 54;

/// A font as a file.
pub(super) fn write(name: &str, samples: &[Sample], instruments: &[Instrument]) -> Vec<u8> {
    let info = [
        chunk(b"ifil", &[2, 0, 1, 0]),
        chunk(b"isng", b"EMU8000\0"),
        chunk(b"INAM", &[padded(name, 32).as_slice(), &[0, 0]].concat()),
    ]
    .concat();
    let mut file = b"sfbk".to_vec();
    file.extend(list(b"INFO", &info));
    file.extend(list(b"sdta", &chunk(b"smpl", &waves(samples))));
    file.extend(list(b"pdta", &articulation(samples, instruments)));
    chunk(b"RIFF", &file)
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = name.to_vec();
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    out.resize(out.len() + body.len() % 2, 0);
    out
}

fn list(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    chunk(b"LIST", &[name.as_slice(), body].concat())
}

/// A name of a fixed length, ended by zeros.
fn padded(name: &str, length: usize) -> Vec<u8> {
    let mut out: Vec<u8> = name.bytes().filter(u8::is_ascii).take(length - 1).collect();
    out.resize(length, 0);
    out
}

fn waves(samples: &[Sample]) -> Vec<u8> {
    let mut out = Vec::new();
    for sample in samples {
        out.extend(sample.wave.iter().flat_map(|x| ((x.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes()));
        out.resize(out.len() + 2 * GUARD, 0);
    }
    out
}

/// Presets, instruments and sample headers, in the order that the specification gives.
fn articulation(samples: &[Sample], instruments: &[Instrument]) -> Vec<u8> {
    let words = |values: &[u16]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let (mut phdr, mut pbag, mut pgen) = (Vec::new(), Vec::new(), Vec::new());
    let (mut inst, mut ibag, mut igen) = (Vec::new(), Vec::new(), Vec::new());
    let mut preset_count = 0u16;
    let preset_header = |name: &str, bank: u16, program: u16, bag: u16| {
        [padded(name, 20), words(&[program, bank, bag]), vec![0; 12]].concat()
    };
    for (index, instrument) in instruments.iter().enumerate() {
        inst.extend([padded(&instrument.name, 20), words(&[(ibag.len() / 4) as u16])].concat());
        for zone in &instrument.zones {
            ibag.extend(words(&[(igen.len() / 4) as u16, 0]));
            for (generator, amount) in generators(zone, samples[zone.sample].repeats.is_some()) {
                igen.extend(words(&[generator, amount]));
            }
        }
        for &(bank, program) in &instrument.presets {
            phdr.extend(preset_header(&instrument.name, bank, program, preset_count));
            pbag.extend(words(&[(pgen.len() / 4) as u16, 0]));
            pgen.extend(words(&[INSTRUMENT, index as u16]));
            preset_count += 1;
        }
    }
    phdr.extend(preset_header("EOP", 0, 0, preset_count));
    pbag.extend(words(&[(pgen.len() / 4) as u16, 0]));
    pgen.extend([0; 4]);
    inst.extend([padded("EOI", 20), words(&[(ibag.len() / 4) as u16])].concat());
    ibag.extend(words(&[(igen.len() / 4) as u16, 0]));
    igen.extend([0; 4]);
    let parts: [(&[u8; 4], Vec<u8>); 9] = [
        (b"phdr", phdr),
        (b"pbag", pbag),
        (b"pmod", vec![0; 10]),
        (b"pgen", pgen),
        (b"inst", inst),
        (b"ibag", ibag),
        (b"imod", vec![0; 10]),
        (b"igen", igen),
        (b"shdr", headers(samples)),
    ];
    parts.iter().flat_map(|(name, body)| chunk(name, body)).collect()
}

/// The key range comes first and the sample last, as the specification asks for.
fn generators(zone: &Zone, repeats: bool) -> Vec<(u16, u16)> {
    let signed = |value: f64| (value.round() as i16) as u16;
    // Times are in cents of an octave of seconds.
    let time = |seconds: f64| signed(1_200.0 * seconds.max(0.001).log2());
    let mut all = vec![
        (KEYS, u16::from(zone.keys.0) | u16::from(zone.keys.1) << 8),
        (ROOM, signed(zone.room * 1_000.0)),
        (PAN, zone.pan_per_mille as u16),
        (ATTACK, time(zone.attack_seconds)),
        (RELEASE, time(zone.release_seconds)),
        // Players read this generator as four tenths of what it says (as the EMU8000 did).
        (ATTENUATION, signed(zone.attenuation_db * 10.0 / 0.4)),
        (MODE, u16::from(repeats)),
    ];
    all.push((SAMPLE, zone.sample as u16));
    all
}

fn headers(samples: &[Sample]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut start = 0u32;
    let mut header = |name: &str, places: [u32; 4], rate: u32, (root_key, correction): (u8, i8), kind: u16| {
        out.extend(padded(name, 20));
        out.extend(places.iter().chain([&rate]).flat_map(|value| value.to_le_bytes()));
        out.extend([root_key, correction as u8, 0, 0]);
        out.extend(kind.to_le_bytes());
    };
    for sample in samples {
        let length = sample.wave.len() as u32;
        let (from, until) = sample.repeats.map_or((0, length), |(from, until)| (from as u32, until as u32));
        let places = [start, start + length, start + from, start + until];
        header(&sample.name, places, SAMPLE_RATE_HZ, (sample.root_key, sample.correction_cents), 1);
        start += length + GUARD as u32;
    }
    header("EOS", [0; 4], 0, (0, 0), 0);
    out
}
