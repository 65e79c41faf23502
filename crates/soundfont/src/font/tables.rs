//! The presets, instruments and samples of a font, read from its tables and held against each other ("SoundFont
//! Technical Specification" 2.04, chapter 7).

use std::collections::BTreeMap;

use super::{generator, riff::Flaw};

/// A sample whose type has this bit is Ogg Vorbis (the SF3 extension).
const COMPRESSED: u16 = 0x10;
/// In a modulator: the velocity of the note, as a source that is no controller.
const SOURCE_VELOCITY: u16 = 2;

/// Bank and program of a preset; drum kits are in bank 128.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PresetId {
    pub bank: u16,
    pub program: u16,
}

/// Everything but the sound.
pub(crate) struct Tables {
    pub(crate) presets: BTreeMap<PresetId, Preset>,
    pub(crate) instruments: Vec<Vec<Zone>>,
    pub(crate) samples: Vec<SampleHeader>,
    /// Modulators that let the velocity change anything by an amount of their own.
    pub(crate) velocity_modulators: usize,
    /// Zones that name something that is not there.
    pub(crate) zones_left_out: usize,
}

pub(crate) struct Preset {
    pub(crate) name: String,
    pub(crate) zones: Vec<Zone>,
}

/// Keys and velocities, what plays for them, and how. What the global zone says is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Zone {
    pub(crate) keys: (u8, u8),
    pub(crate) velocities: (u8, u8),
    /// An instrument (of a preset) or a sample (of an instrument).
    pub(crate) target: u16,
    /// All others, by their numbers.
    pub(crate) generators: BTreeMap<u16, i16>,
}

impl Zone {
    pub(crate) fn contains(&self, key: u8, velocity: u8) -> bool {
        (self.keys.0..=self.keys.1).contains(&key) && (self.velocities.0..=self.velocities.1).contains(&velocity)
    }

    /// Whether there is a note for which both sound.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let meet = |a: (u8, u8), b: (u8, u8)| a.0.max(b.0) <= a.1.min(b.1);
        meet(self.keys, other.keys) && meet(self.velocities, other.velocities)
    }

    pub(crate) fn get(&self, generator: u16) -> Option<i16> {
        self.generators.get(&generator).copied()
    }
}

/// Places are in frames, of compressed samples `start` and `end` in bytes, and the loop from the start of the sample.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SampleHeader {
    pub(crate) name: String,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) loop_start: u32,
    pub(crate) loop_end: u32,
    pub(crate) rate_hz: u32,
    pub(crate) root_key: u8,
    pub(crate) correction_cents: i8,
    pub(crate) is_compressed: bool,
}

pub(crate) fn read(chunks: &BTreeMap<[u8; 4], Vec<u8>>) -> Result<Tables, Flaw> {
    let table = |name: &[u8; 4], size: usize| -> Result<Vec<&[u8]>, Flaw> {
        let bytes = chunks.get(name).filter(|bytes| bytes.len() >= size && bytes.len().is_multiple_of(size));
        let shown = String::from_utf8_lossy(name);
        let bytes = bytes.ok_or_else(|| Flaw::Broken(format!("its table {shown} is missing or of an odd length")))?;
        Ok(bytes.chunks_exact(size).collect())
    };
    let samples: Vec<SampleHeader> = but_last(&table(b"shdr", 46)?).iter().map(|entry| sample(entry)).collect();
    let (instrument_heads, preset_heads) = (table(b"inst", 22)?, table(b"phdr", 38)?);
    let mut zones_left_out = 0;
    let mut instruments = Vec::new();
    let (bags, generators) = (table(b"ibag", 4)?, table(b"igen", 4)?);
    let bags = Bags::new(&bags, &generators, generator::SAMPLE, samples.len())?;
    for span in spans(&instrument_heads, 20, bags.count())? {
        instruments.push(bags.zones(span, &mut zones_left_out));
    }
    let (bags, generators) = (table(b"pbag", 4)?, table(b"pgen", 4)?);
    let bags = Bags::new(&bags, &generators, generator::INSTRUMENT, instruments.len())?;
    let mut presets = BTreeMap::new();
    for (entry, span) in preset_heads.iter().zip(spans(&preset_heads, 24, bags.count())?) {
        let id = PresetId { program: word(entry, 20), bank: word(entry, 22) };
        let zones = bags.zones(span, &mut zones_left_out);
        if !zones.is_empty() {
            presets.insert(id, Preset { name: text(&entry[..20]), zones });
        }
    }
    if presets.is_empty() {
        return Err("it has no instruments".into());
    }
    let modulators = [b"pmod", b"imod"].into_iter().filter_map(|name| chunks.get(name));
    let velocity_modulators = modulators.flat_map(|bytes| bytes.chunks_exact(10)).filter(|entry| by_velocity(entry));
    let velocity_modulators = velocity_modulators.count();
    Ok(Tables { presets, instruments, samples, velocity_modulators, zones_left_out })
}

fn by_velocity(modulator: &[u8]) -> bool {
    word(modulator, 0) & 0xFF == SOURCE_VELOCITY && word(modulator, 4) != 0
}

/// Tables end with an entry that only says where the one before it ends.
fn but_last<'a, 'b>(entries: &'b [&'a [u8]]) -> &'b [&'a [u8]] {
    entries.split_last().map_or(&[], |(_, rest)| rest)
}

/// From where to where the zones of each entry reach.
fn spans(heads: &[&[u8]], place: usize, zones: usize) -> Result<Vec<std::ops::Range<usize>>, Flaw> {
    let starts: Vec<usize> = heads.iter().map(|entry| word(entry, place).into()).collect();
    let spans: Vec<_> = starts.windows(2).map(|pair| pair[0]..pair[1]).collect();
    if spans.iter().any(|span| span.start > span.end || span.end > zones) {
        return Err("the zones of an instrument are not where it says".into());
    }
    Ok(spans)
}

/// Zones and their generators, of presets or of instruments.
struct Bags<'a> {
    zones: Vec<&'a [&'a [u8]]>,
    /// The generator that names what a zone plays.
    target: u16,
    targets: usize,
}

impl<'a> Bags<'a> {
    fn new(bags: &[&[u8]], generators: &'a [&'a [u8]], target: u16, targets: usize) -> Result<Self, Flaw> {
        let starts: Vec<usize> = bags.iter().map(|entry| word(entry, 0).into()).collect();
        let zones = starts.windows(2).map(|pair| {
            let last = generators.len() - 1;
            if pair[0] <= pair[1] && pair[1] <= last { Some(&generators[pair[0]..pair[1]]) } else { None }
        });
        let zones = zones.collect::<Option<Vec<_>>>().ok_or("the generators of a zone are not where it says")?;
        Ok(Self { zones, target, targets })
    }

    fn count(&self) -> usize {
        self.zones.len()
    }

    /// Those of one instrument or preset. The first is global when it names nothing to play; later ones that name nothing
    /// are ignored, as the specification wants.
    fn zones(&self, span: std::ops::Range<usize>, left_out: &mut usize) -> Vec<Zone> {
        let mut global = BTreeMap::new();
        let mut zones = Vec::new();
        for (index, entries) in self.zones[span].iter().enumerate() {
            let mut all = global.clone();
            all.extend(entries.iter().map(|entry| (word(entry, 0), word(entry, 2))));
            let names_target = entries.last().is_some_and(|entry| word(entry, 0) == self.target);
            if !names_target {
                if index == 0 {
                    global = all;
                }
                continue;
            }
            let target = all.remove(&self.target).unwrap_or(u16::MAX);
            let mut range = |generator| {
                let value = all.remove(&generator).unwrap_or(0x7F00);
                ((value & 0xFF).min(127) as u8, (value >> 8).min(127) as u8)
            };
            let (keys, velocities) = (range(generator::KEY_RANGE), range(generator::VELOCITY_RANGE));
            if usize::from(target) >= self.targets {
                *left_out += 1;
                continue;
            }
            let generators = all.into_iter().map(|(number, amount)| (number, amount as i16));
            let generators = generators.map(|(number, amount)| (number, generator::in_range(number, amount))).collect();
            zones.push(Zone { keys, velocities, target, generators });
        }
        zones
    }
}

fn sample(entry: &[u8]) -> SampleHeader {
    SampleHeader {
        name: text(&entry[..20]),
        start: long(entry, 20),
        end: long(entry, 24),
        loop_start: long(entry, 28),
        loop_end: long(entry, 32),
        rate_hz: long(entry, 36),
        root_key: entry[40],
        correction_cents: entry[41] as i8,
        is_compressed: word(entry, 44) & COMPRESSED != 0,
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// A text of a fixed length, ended by a zero; without what cannot be shown.
pub(crate) fn text(bytes: &[u8]) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown.trim().to_owned()
}
