//! MPEG Layer III (ISO/IEC 11172-3 and 13818-3) of tones: each granule holds the spectral line of a tone as a one in
//! Huffman table 1, and nothing else. Far from an encoder, and any decoder plays it.

use super::Tone;

const LINES: usize = 576;
const BITRATES_1: [u32; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const BITRATES_2: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES_1: [u32; 3] = [44_100, 48_000, 32_000];
const RATES_2: [u32; 3] = [22_050, 24_000, 16_000];
/// Quarter powers of two; 210 is 1. Loud enough to be heard, and far from clipping.
const GLOBAL_GAIN: u32 = 203;

struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn push(&mut self, value: u32, bits: usize) {
        for bit in (0..bits).rev() {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= (((value >> bit) & 1) as u8) << (7 - self.count % 8);
            }
            self.count += 1;
        }
    }
}

/// A whole file, or `None` for a rate or bit rate (in kbit/s) that the format does not have. At most two channels, both alike.
pub fn mp3(tones: &[Tone], rate_hz: u32, channels: u16, kbps: u32) -> Option<Vec<u8>> {
    let first = RATES_1.contains(&rate_hz);
    let (rates, bitrates) = if first { (&RATES_1, &BITRATES_1) } else { (&RATES_2, &BITRATES_2) };
    let rate_index = rates.iter().position(|known| *known == rate_hz)? as u32;
    let bitrate_index = bitrates.iter().position(|known| *known == kbps)? as u32 + 1;
    let channels = usize::from(channels.clamp(1, 2));
    let granules = if first { 2 } else { 1 };
    let rate = f64::from(rate_hz);
    let total = (super::seconds(tones) * rate / LINES as f64).ceil() as usize;
    let mut pitches = pitches(tones, rate);
    let mut file = Vec::new();
    let mut remainder = 0;
    for frame in 0..total.div_ceil(granules) {
        let bits_a_byte = if first { 144 } else { 72 };
        remainder += bits_a_byte * kbps * 1_000 % rate_hz;
        let padding = u32::from(remainder >= rate_hz);
        remainder -= padding * rate_hz;
        let length = (bits_a_byte * kbps * 1_000 / rate_hz + padding) as usize;
        let spectra: Vec<(Bits, usize)> = (0..granules).map(|_| spectrum(pitches.next().unwrap_or(0), frame)).collect();
        let mut bits = Bits { bytes: Vec::with_capacity(length), count: 0 };
        // Sync word, version, layer III, no checksum.
        bits.push(0x7ff, 11);
        bits.push(if first { 0b11 } else { 0b10 }, 2);
        bits.push(0b011, 3);
        bits.push(bitrate_index << 4 | rate_index << 2 | padding << 1, 8);
        bits.push(if channels == 1 { 0b1100_0000 } else { 0 }, 8);
        side_information(&mut bits, first, channels, &spectra);
        for (spectrum, _) in &spectra {
            for _ in 0..channels {
                for bit in 0..spectrum.count {
                    let byte = spectrum.bytes.get(bit / 8).copied().unwrap_or(0);
                    bits.push(u32::from(byte >> (7 - bit % 8) & 1), 1);
                }
            }
        }
        bits.bytes.resize(length, 0);
        file.extend_from_slice(&bits.bytes);
    }
    Some(file)
}

/// The spectral line of the tone in each granule; 0 for a rest.
fn pitches(tones: &[Tone], rate: f64) -> impl Iterator<Item = usize> {
    let mut end = 0.0;
    let mut made = 0;
    tones.iter().flat_map(move |tone| {
        end += tone.seconds;
        let until = (end * rate / LINES as f64).round() as usize;
        let count = until.saturating_sub(made);
        made = until;
        // Lines are half of the rate wide, all together, and each is named by its middle.
        let line = if tone.hz > 0.0 { (tone.hz * 2.0 * LINES as f64 / rate - 0.5).round().max(1.0) } else { 0.0 };
        std::iter::repeat_n(line as usize, count)
    })
}

/// The big values of a granule, a one at the line, and how many pairs of lines they are.
fn spectrum(line: usize, frame: usize) -> (Bits, usize) {
    let mut bits = Bits { bytes: Vec::new(), count: 0 };
    if line == 0 {
        return (bits, 0);
    }
    // Codes of table 1: of (0,0) for the pairs below, then of (1,0) or (0,1), and the sign.
    for _ in 0..line / 2 {
        bits.push(0b1, 1);
    }
    if line.is_multiple_of(2) {
        bits.push(0b01, 2)
    } else {
        bits.push(0b001, 3)
    }
    bits.push((frame % 2) as u32, 1);
    (bits, line / 2 + 1)
}

fn side_information(bits: &mut Bits, first: bool, channels: usize, spectra: &[(Bits, usize)]) {
    // No bits of earlier frames, private bits, and no scale factors taken over.
    bits.push(0, if first { 9 } else { 8 });
    bits.push(
        0,
        match (first, channels) {
            (true, 1) => 5,
            (true, _) => 3,
            (false, channels) => channels,
        },
    );
    bits.push(0, if first { 4 * channels } else { 0 });
    for (spectrum, pairs) in spectra {
        for _ in 0..channels {
            bits.push(spectrum.count as u32, 12);
            bits.push(*pairs as u32, 9);
            bits.push(GLOBAL_GAIN, 8);
            // Scale factors of no bits, long blocks, table 1 in each region, eight bands in the first two.
            bits.push(0, if first { 4 } else { 9 });
            bits.push(0, 1);
            for _region in 0..3 {
                bits.push(1, 5);
            }
            bits.push(7, 4);
            bits.push(7, 3);
            bits.push(0, if first { 3 } else { 2 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames by their headers alone: their number and the channels of the first.
    fn frames(file: &[u8], bytes_a_frame: f64) -> usize {
        let (mut at, mut count) = (0, 0);
        while at < file.len() {
            assert_eq!((file[at], file[at + 1] & 0xe0), (0xff, 0xe0), "no sync word at {at}");
            at += bytes_a_frame as usize + usize::from(file[at + 2] & 2 != 0);
            count += 1;
        }
        assert_eq!(at, file.len());
        count
    }

    #[test]
    fn frames_follow_each_other_for_the_length_asked() {
        let tones = super::super::tune(3.0, 1);
        let file = mp3(&tones, 44_100, 2, 128).unwrap();
        assert_eq!(frames(&file, 144.0 * 128_000.0 / 44_100.0), 115);
        let file = mp3(&tones, 22_050, 1, 32).unwrap();
        assert_eq!(frames(&file, 72.0 * 32_000.0 / 22_050.0), 115);
        assert_eq!(mp3(&tones, 44_100, 2, 24), None);
        assert_eq!(mp3(&tones, 11_025, 2, 32), None);
    }

    #[test]
    fn a_line_is_written_by_table_1() {
        let written = |line, frame| {
            let (bits, pairs) = spectrum(line, frame);
            let text: String = (0..bits.count)
                .map(|bit| if bits.bytes[bit / 8] >> (7 - bit % 8) & 1 == 1 { '1' } else { '0' })
                .collect();
            (text, pairs)
        };
        assert_eq!(written(0, 0), (String::new(), 0));
        assert_eq!(written(4, 0), ("11010".to_owned(), 3));
        assert_eq!(written(5, 1), ("110011".to_owned(), 3));
    }
}
