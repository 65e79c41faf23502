//! A cover picture of a song, drawn from its notes: a piano roll in the colours of its stems and, of a blend, a strip per
//! role in the colours of its songs. A PNG with a palette (ISO/IEC 15948), because that is what tags of sound files hold.

use std::io::Write as _;

use flate2::{Compression, Crc, write::ZlibEncoder};
use music::Score;
use providers::BlendOrigin;
use soundfont::StemSpec;

/// Pixels on each side.
const SIDE: usize = 640;
const EDGE: usize = 36;
/// Height of a strip, and of the gap below it.
const STRIP: usize = 24;
const STRIP_GAP: usize = 8;

/// The ground, then a colour for each song, then one for each stem: those of the blend's picture on dark (M. Okabe and
/// K. Ito, 2008), as red, green, blue.
const PALETTE: [[u8; 3]; 11] = [
    [0x14, 0x17, 0x1c],
    [0x56, 0xb4, 0xe9],
    [0xff, 0x9b, 0x57],
    [0x3f, 0xd0, 0xa4],
    [0xf0, 0xe4, 0x42],
    [0xcc, 0x79, 0xa7],
    [0x56, 0xb4, 0xe9],
    [0xd5, 0x8a, 0x3c],
    [0x77, 0x80, 0x8e],
    [0x00, 0x9e, 0x73],
    [0x9a, 0xa3, 0xb0],
];
const FIRST_SONG: u8 = 1;
const FIRST_STEM: u8 = 4;

/// Draws the cover. The same song, the same bytes.
pub fn cover(score: &Score, stems: &[StemSpec], origin: Option<&BlendOrigin>) -> Vec<u8> {
    let mut canvas = Canvas { pixels: vec![0; SIDE * SIDE] };
    let strips = origin.map_or(&[][..], |origin| origin.cells.as_slice());
    let bottom = SIDE - EDGE - strips.len() * (STRIP + STRIP_GAP);
    roll(&mut canvas, score, stems, bottom);
    for (row, bars) in strips.iter().enumerate() {
        let top = bottom + STRIP_GAP + row * (STRIP + STRIP_GAP);
        for (bar, song) in bars.iter().enumerate() {
            let Some(song) = song else { continue };
            let x = |bar: usize| EDGE + bar * (SIDE - 2 * EDGE) / bars.len().max(1);
            // A hair between bars, where there is room for one.
            let right = if x(bar + 1) > x(bar) + 3 { x(bar + 1) - 1 } else { x(bar + 1) };
            canvas.fill((x(bar), top), (right, top + STRIP), FIRST_SONG + song.min(&2));
        }
    }
    canvas.png()
}

/// Draws the cover of a song whose notes nobody knows: how loud it is in each of its parts, 0–1.
pub fn cover_of_levels(levels: &[f32]) -> Vec<u8> {
    let mut canvas = Canvas { pixels: vec![0; SIDE * SIDE] };
    let loudest = levels.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let x = |column: usize| EDGE + column * (SIDE - 2 * EDGE) / levels.len().max(1);
    for (column, level) in levels.iter().enumerate() {
        let half = ((level / loudest).clamp(0.0, 1.0) * (SIDE / 2 - EDGE) as f32) as usize + 1;
        let right = x(column + 1).saturating_sub(2).max(x(column) + 1);
        canvas.fill((x(column), SIDE / 2 - half), (right, SIDE / 2 + half), FIRST_STEM);
    }
    canvas.png()
}

/// Notes by time and pitch.
fn roll(canvas: &mut Canvas, score: &Score, stems: &[StemSpec], bottom: usize) {
    let pitched = |part: usize| score.parts.get(part).filter(|part| !part.drums);
    let pitches = || score.parts.iter().filter(|part| !part.drums).flat_map(|part| &part.notes).map(|note| note.pitch);
    let (Some(low), Some(high)) = (pitches().min(), pitches().max()) else { return };
    let (height, span) = (bottom.saturating_sub(EDGE), usize::from(high - low) + 1);
    let end = score.end.max(1);
    let x = |tick: u64| EDGE + (tick.min(end) as u128 * (SIDE - 2 * EDGE) as u128 / u128::from(end)) as usize;
    let y = |above: usize| EDGE + above * height / span;
    // The melody, which is the first stem, lies on top.
    for (place, stem) in stems.iter().enumerate().rev() {
        let colour = FIRST_STEM + place.min(PALETTE.len() - 1 - usize::from(FIRST_STEM)) as u8;
        for note in stem.parts.iter().filter_map(|part| pitched(*part)).flat_map(|part| &part.notes) {
            let above = usize::from(high - note.pitch);
            let (left, right) = (x(note.onset), x(note.end()).max(x(note.onset) + 2));
            canvas.fill((left, y(above)), (right, y(above + 1).max(y(above) + 2)), colour);
        }
    }
}

struct Canvas {
    pixels: Vec<u8>,
}

impl Canvas {
    /// From one corner up to and without the other.
    fn fill(&mut self, (left, top): (usize, usize), (right, bottom): (usize, usize), colour: u8) {
        let (left, right) = (left.min(SIDE), right.min(SIDE));
        for row in self.pixels.chunks_exact_mut(SIDE).take(bottom).skip(top) {
            if left < right {
                row[left..right].fill(colour);
            }
        }
    }

    fn png(&self) -> Vec<u8> {
        let side = (SIDE as u32).to_be_bytes();
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        // Eight bits a pixel, by palette, in one pass.
        chunk(&mut out, b"IHDR", &[&side[..], &side, &[8, 3, 0, 0, 0]].concat());
        chunk(&mut out, b"PLTE", PALETTE.as_flattened());
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        // Memory takes every byte.
        let written = self.pixels.chunks_exact(SIDE).try_for_each(|row| {
            packed.write_all(&[0])?;
            packed.write_all(row)
        });
        let packed = written.and_then(|()| packed.finish()).unwrap_or_default();
        chunk(&mut out, b"IDAT", &packed);
        chunk(&mut out, b"IEND", &[]);
        out
    }
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(body);
    out.extend((body.len() as u32).to_be_bytes());
    out.extend(kind);
    out.extend(body);
    out.extend(crc.sum().to_be_bytes());
}
