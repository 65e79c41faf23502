//! Ways in which MIDI files are broken in the wild, done to good ones.

use crate::songs::Dice;

#[derive(Clone, Copy)]
pub enum Damage {
    OneByte,
    LostByte,
    EightBytes,
    CutOff,
    LongerTracks,
    ShorterTracks,
    StrayBytes,
    NoTrackEnds,
    FewerTracks,
}

impl Damage {
    pub const ALL: [Self; 9] = [
        Self::OneByte,
        Self::LostByte,
        Self::EightBytes,
        Self::CutOff,
        Self::LongerTracks,
        Self::ShorterTracks,
        Self::StrayBytes,
        Self::NoTrackEnds,
        Self::FewerTracks,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OneByte => "one byte changed",
            Self::LostByte => "one byte lost",
            Self::EightBytes => "eight bytes changed",
            Self::CutOff => "the last tenth cut off",
            Self::LongerTracks => "tracks say 4 bytes more",
            Self::ShorterTracks => "tracks say 4 bytes less",
            Self::StrayBytes => "6 stray bytes after each track",
            Self::NoTrackEnds => "no end-of-track events",
            Self::FewerTracks => "the header says one track",
        }
    }

    pub fn apply(self, bytes: &[u8], seed: u64) -> Vec<u8> {
        let mut dice = Dice(seed);
        let mut changed = bytes.to_vec();
        // Beyond the header, without which no file is one.
        let place = |dice: &mut Dice| 22 + dice.below(bytes.len().saturating_sub(22) as u64) as usize;
        match self {
            Self::OneByte | Self::EightBytes => {
                for _ in 0..if matches!(self, Self::OneByte) { 1 } else { 8 } {
                    let at = place(&mut dice);
                    let mask = 1 + dice.below(255) as u8;
                    changed.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= mask);
                }
                changed
            }
            Self::LostByte => {
                let at = place(&mut dice).min(changed.len() - 1);
                changed.remove(at);
                changed
            }
            Self::CutOff => {
                changed.truncate(bytes.len() * 9 / 10);
                changed
            }
            Self::LongerTracks => tracks(bytes, |length, body| (length.wrapping_add(4), body)),
            Self::ShorterTracks => tracks(bytes, |length, body| (length.saturating_sub(4), body)),
            Self::StrayBytes => {
                tracks(bytes, |length, body| (length, [body, (0..6).map(|_| dice.below(256) as u8).collect()].concat()))
            }
            Self::NoTrackEnds => tracks(bytes, |length, mut body| {
                body.truncate(body.len().saturating_sub(4));
                (length.saturating_sub(4), body)
            }),
            Self::FewerTracks => {
                changed.splice(10..12, [0, 1]);
                changed
            }
        }
    }
}

/// Every track's length and bytes changed.
fn tracks(bytes: &[u8], mut change: impl FnMut(u32, Vec<u8>) -> (u32, Vec<u8>)) -> Vec<u8> {
    let (head, mut rest) = bytes.split_at(bytes.len().min(14));
    let mut changed = head.to_vec();
    while let Some(([a, b, c, d, e, f, g, h], after)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes([*e, *f, *g, *h]);
        let (body, after) = after.split_at(after.len().min(length as usize));
        let (length, body) = change(length, body.to_vec());
        changed.extend([*a, *b, *c, *d]);
        changed.extend(length.to_be_bytes());
        changed.extend(body);
        rest = after;
    }
    changed
}
