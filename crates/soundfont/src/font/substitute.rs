//! Which instrument plays where a font has not the one that is asked for: the nearest of General MIDI's, by kind.

/// Programs to try after the one that is asked for and the other seven of its family, the best first: one or more for
/// each of General MIDI's sixteen families of eight.
const FAMILIES: [&[u8]; 16] = [
    // Pianos, chromatic percussion, organs, guitars.
    &[0, 4],
    &[11, 4, 0],
    &[16, 48, 89, 0],
    &[25, 27, 0],
    // Basses, strings, ensembles, brass.
    &[33, 32, 0],
    &[48, 40, 89, 0],
    &[48, 40, 89, 0],
    &[61, 56, 48, 0],
    // Reeds, pipes, leads, pads.
    &[71, 65, 73, 48, 0],
    &[73, 71, 48, 4, 0],
    &[80, 27, 4, 0],
    &[89, 88, 48, 0],
    // Effects, folk instruments, percussion, sounds.
    &[89, 88, 48, 0],
    &[25, 24, 27, 0],
    &[11, 4, 0],
    &[89, 48, 0],
];

/// Programs that may stand in for one, the nearest first.
pub(crate) fn programs(program: u8) -> impl Iterator<Item = u8> {
    let program = program.min(127);
    let family = program / 8;
    let mut relatives: Vec<u8> = (family * 8..family * 8 + 8).filter(|other| *other != program).collect();
    relatives.sort_by_key(|other| other.abs_diff(program));
    relatives.into_iter().chain(FAMILIES[usize::from(family)].iter().copied())
}

/// Drums that may stand in for one that a kit does not have, the nearest first (General MIDI percussion keys).
pub(crate) fn drums(key: u8) -> &'static [u8] {
    match key {
        35 => &[36],
        36 => &[35],
        // Stick, snares and claps.
        31 | 37 => &[37, 38],
        38..=40 => &[38, 40],
        // Toms.
        41 => &[43, 45, 36],
        43 => &[41, 45, 36],
        45 => &[47, 43, 36],
        47 => &[45, 48, 36],
        48 => &[50, 47, 36],
        50 => &[48, 47, 36],
        // Hi-hats.
        42 | 44 => &[42, 44, 46],
        46 => &[46, 42],
        // Cymbals.
        49 | 57 => &[49, 57, 55],
        51 | 53 | 59 => &[51, 59, 46, 42],
        52 | 55 => &[55, 49],
        // Tambourine, shakers and their like.
        54 | 69 | 70 | 82 => &[54, 42],
        56 | 76 | 77 => &[76, 37],
        // Hand drums.
        60..=66 => &[60, 64, 37],
        _ => &[],
    }
}
