//! Which lines rhyme with which.

/// Lines of one stanza.
pub const STANZA: usize = 4;

/// The earlier line that line `number` rhymes with. Full stanzas rhyme ABAB or AABB; a rest of two or three lines rhymes
/// its first two.
pub fn partner(number: usize, lines: usize, alternate: bool) -> Option<usize> {
    let stanza = number / STANZA * STANZA;
    let full = lines - stanza >= STANZA;
    match (number - stanza, full && alternate) {
        (2 | 3, true) => Some(number - 2),
        (1, false) => Some(number - 1),
        (3, false) => Some(number - 1),
        _ => None,
    }
}

/// The later line that will rhyme with line `number`.
pub fn answer(number: usize, lines: usize, alternate: bool) -> Option<usize> {
    (number + 1..lines.min(number + 3)).find(|&later| partner(later, lines, alternate) == Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_rhyme_and_rests_begin_with_a_pair() {
        let partners = |lines, alternate| (0..lines).map(|n| partner(n, lines, alternate)).collect::<Vec<_>>();
        assert_eq!(partners(6, true), [None, None, Some(0), Some(1), None, Some(4)]);
        assert_eq!(partners(4, false), [None, Some(0), None, Some(2)]);
        assert_eq!(partners(1, true), [None]);
        assert_eq!([0, 1, 2].map(|n| answer(n, 4, true)), [Some(2), Some(3), None]);
    }
}
