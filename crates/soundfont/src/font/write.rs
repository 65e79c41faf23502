//! A selection as the bytes of a SoundFont 2 file, for a library that reads no other form ("SoundFont Technical
//! Specification" 2.04, chapters 4 to 7).

use std::io::{Cursor, Read};

use super::{
    generator,
    riff::Flaw,
    samples::Samples,
    tables::{SampleHeader, Zone},
    trim::Selection,
};

/// Length of a name, with at least one zero.
const NAME: usize = 20;
/// No text is needed.
const MODULATOR: [u8; 10] = [0; 10];

/// The file, read from where its samples are. Nothing of it is in memory twice.
pub(crate) fn reader<'a>(selection: &Selection, samples: Samples<'a>) -> Result<impl Read + 'a, Flaw> {
    let tables = tables(selection, samples.headers())?;
    let sample_bytes = u32::try_from(samples.bytes()).map_err(|_| Flaw::TooLarge)?;
    let info =
        [b"INFO".to_vec(), chunk(b"ifil", &[2, 0, 1, 0]), chunk(b"isng", b"EMU8000\0"), chunk(b"INAM", b"font\0\0")];
    let info = chunk(b"LIST", &info.concat());
    let tables = chunk(b"LIST", &[b"pdta".to_vec(), tables].concat());
    let size = 4 + info.len() as u32 + 20 + sample_bytes + tables.len() as u32;
    let mut head = [b"RIFF".as_slice(), &size.to_le_bytes(), b"sfbk", &info, b"LIST"].concat();
    head.extend((12 + sample_bytes).to_le_bytes());
    head.extend(b"sdtasmpl");
    head.extend(sample_bytes.to_le_bytes());
    Ok(Cursor::new(head).chain(samples.into_reader()).chain(Cursor::new(tables)))
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = name.to_vec();
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    out.resize(out.len() + body.len() % 2, 0);
    out
}

/// Zones and their generators in two tables.
#[derive(Default)]
struct Bags {
    zones: Vec<u8>,
    generators: Vec<u8>,
}

impl Bags {
    /// Where the next zone, or the next generator, will be.
    fn next(bytes: &[u8]) -> Result<u16, Flaw> {
        u16::try_from(bytes.len() / 4).map_err(|_| Flaw::from("the song needs more zones than a font can have"))
    }

    fn begin(&mut self) -> Result<(), Flaw> {
        let first = Self::next(&self.generators)?;
        self.zones.extend([first.to_le_bytes(), [0, 0]].concat());
        Ok(())
    }

    /// Key range first, velocity range second, what it plays last.
    fn push(&mut self, zone: &Zone, target: u16) -> Result<(), Flaw> {
        self.begin()?;
        let range = |(low, high): (u8, u8)| u16::from(low) | u16::from(high) << 8;
        let ranges = [(generator::KEY_RANGE, range(zone.keys)), (generator::VELOCITY_RANGE, range(zone.velocities))];
        let others = zone.generators.iter().map(|(number, amount)| (*number, *amount as u16));
        for (number, amount) in ranges.into_iter().chain(others).chain([(target, zone.target)]) {
            self.generators.extend([number.to_le_bytes(), amount.to_le_bytes()].concat());
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Self, Flaw> {
        self.begin()?;
        self.generators.extend([0; 4]);
        Ok(self)
    }
}

fn tables(selection: &Selection, headers: &[SampleHeader]) -> Result<Vec<u8>, Flaw> {
    let (mut presets, mut instruments) = (Vec::new(), Vec::new());
    let (mut preset_bags, mut instrument_bags) = (Bags::default(), Bags::default());
    for preset in &selection.presets {
        presets.extend(name(&preset.name));
        presets.extend(words(&[preset.id.program, preset.id.bank, Bags::next(&preset_bags.zones)?]));
        presets.extend([0; 12]);
        for zone in &preset.zones {
            preset_bags.push(zone, generator::INSTRUMENT)?;
        }
    }
    for zones in &selection.instruments {
        instruments.extend(name("instrument"));
        instruments.extend(words(&[Bags::next(&instrument_bags.zones)?]));
        for zone in zones {
            instrument_bags.push(zone, generator::SAMPLE)?;
        }
    }
    presets.extend([name("EOP"), words(&[0, 0, Bags::next(&preset_bags.zones)?]), vec![0; 12]].concat());
    instruments.extend([name("EOI"), words(&[Bags::next(&instrument_bags.zones)?])].concat());
    let (preset_bags, instrument_bags) = (preset_bags.finish()?, instrument_bags.finish()?);
    let mut samples: Vec<u8> = headers.iter().flat_map(sample).collect();
    samples.extend([0; 46]);
    let all: [(&[u8; 4], &[u8]); 9] = [
        (b"phdr", &presets),
        (b"pbag", &preset_bags.zones),
        (b"pmod", &MODULATOR),
        (b"pgen", &preset_bags.generators),
        (b"inst", &instruments),
        (b"ibag", &instrument_bags.zones),
        (b"imod", &MODULATOR),
        (b"igen", &instrument_bags.generators),
        (b"shdr", &samples),
    ];
    Ok(all.iter().flat_map(|(name, body)| chunk(name, body)).collect())
}

fn sample(header: &SampleHeader) -> Vec<u8> {
    let mut out = name(&header.name);
    let places = [header.start, header.end, header.loop_start, header.loop_end, header.rate_hz];
    out.extend(places.iter().flat_map(|value| value.to_le_bytes()));
    // Of one channel, without a partner.
    out.extend([header.root_key, header.correction_cents as u8, 0, 0, 1, 0]);
    out
}

fn name(text: &str) -> Vec<u8> {
    let mut out: Vec<u8> =
        text.bytes().filter(|byte| byte.is_ascii_graphic() || *byte == b' ').take(NAME - 1).collect();
    out.resize(NAME, 0);
    out
}

fn words(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
