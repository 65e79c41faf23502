//! Our form as parts that the vendor takes: whole milliseconds, none too short, none too long, not too many.

use compose::{Section, SectionKind};
use settings::PlanLimits;

/// A part of a song.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    pub name: String,
    pub ms: u64,
    pub sings: bool,
    /// How it is to sound, beside the whole song.
    pub style: Option<&'static str>,
}

/// Parts that are exactly so many milliseconds together. At least one of a song that is sung sings.
pub fn parts(sections: &[Section], total_ms: u64, is_sung: bool, limits: &PlanLimits) -> Vec<Part> {
    let mut parts = cut(sections, total_ms, is_sung);
    lengthen(&mut parts, *limits.part_ms.start());
    parts = shorten(parts, *limits.part_ms.end());
    while parts.len() > limits.parts {
        let least = (1..parts.len()).min_by_key(|at| parts[at - 1].ms + parts[*at].ms);
        let Some(at) = least else { break };
        merge(&mut parts, at - 1);
    }
    if is_sung && !parts.iter().any(|part| part.sings) {
        let longest = parts.iter_mut().max_by_key(|part| part.ms);
        if let Some(part) = longest {
            (part.sings, part.style) = (true, None);
        }
    }
    number(&mut parts);
    parts
}

/// The sections with their ends on whole milliseconds.
fn cut(sections: &[Section], total_ms: u64, is_sung: bool) -> Vec<Part> {
    let has_chorus = sections.iter().filter(|section| section.name == "B").count() > 1;
    let (mut parts, mut at) = (Vec::new(), 0);
    for (index, section) in sections.iter().enumerate() {
        let end = ((section.start_seconds + section.seconds).max(0.0) * 1000.0).round() as u64;
        let end = if index + 1 == sections.len() { total_ms } else { end.clamp(at, total_ms) };
        let (name, style) = name(section.kind, is_sung, has_chorus);
        let has_tune =
            matches!(section.kind, SectionKind::A | SectionKind::FullA | SectionKind::B | SectionKind::Other);
        parts.push(Part { name: name.to_owned(), ms: end - at, sings: is_sung && has_tune, style });
        at = end;
    }
    if parts.is_empty() {
        parts.push(Part { name: "Song".to_owned(), ms: total_ms, sings: is_sung, style: None });
    }
    parts
}

fn name(kind: SectionKind, is_sung: bool, has_chorus: bool) -> (&'static str, Option<&'static str>) {
    match kind {
        SectionKind::Pickup | SectionKind::Intro => ("Intro", Some("instrumental intro")),
        SectionKind::A | SectionKind::FullA if is_sung => ("Verse", None),
        SectionKind::A => ("Theme", None),
        SectionKind::FullA => ("Theme", Some("the whole band")),
        SectionKind::B if is_sung && has_chorus => ("Chorus", None),
        SectionKind::B | SectionKind::Other if is_sung => ("Bridge", None),
        SectionKind::B => ("Second theme", None),
        SectionKind::Other => ("Contrast", Some("a new theme")),
        SectionKind::Solo => ("Solo", Some("instrumental solo")),
        SectionKind::Break => ("Break", Some("sparse break")),
        SectionKind::Tag | SectionKind::Ending => ("Outro", Some("ending")),
    }
}

/// Joins what is too short to its shorter neighbour.
fn lengthen(parts: &mut Vec<Part>, shortest_ms: u64) {
    while parts.len() > 1 {
        let Some(at) = parts.iter().position(|part| part.ms < shortest_ms) else { return };
        let before = at.checked_sub(1).map(|before| parts[before].ms);
        let behind = parts.get(at + 1).map(|next| next.ms);
        let with_next = match (before, behind) {
            (Some(before), Some(behind)) => behind < before,
            (before, _) => before.is_none(),
        };
        merge(parts, if with_next { at } else { at - 1 });
    }
}

/// One of the part at a place and the next, called as the longer of them.
fn merge(parts: &mut Vec<Part>, at: usize) {
    let next = parts.remove(at + 1);
    let part = &mut parts[at];
    let ms = part.ms + next.ms;
    let sings = part.sings || next.sings;
    // Who sings gives the name: an intro that is joined to a verse is the verse's beginning.
    let next_names = if part.sings == next.sings { next.ms > part.ms } else { next.sings };
    let (name, style) = if next_names { (next.name, next.style) } else { (std::mem::take(&mut part.name), part.style) };
    *part = Part { name, ms, sings, style };
}

/// Cuts what is too long into equal pieces.
fn shorten(parts: Vec<Part>, longest_ms: u64) -> Vec<Part> {
    let pieces = |part: Part| {
        let count = part.ms.div_ceil(longest_ms.max(1)).max(1);
        (0..count)
            .map(move |index| Part { ms: part.ms * (index + 1) / count - part.ms * index / count, ..part.clone() })
    };
    parts.into_iter().flat_map(pieces).collect()
}

/// Numbers names that there are more than one of.
fn number(parts: &mut [Part]) {
    let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    for (index, part) in parts.iter_mut().enumerate() {
        let before = names[..index].iter().filter(|name| **name == part.name).count();
        if names.iter().filter(|name| **name == part.name).count() > 1 {
            part.name = format!("{} {}", names[index], before + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sections by kind and length in seconds, one after the other.
    fn sections(of: &[(SectionKind, f64)]) -> Vec<Section> {
        let mut start_seconds = 0.0;
        let section = |(kind, seconds): &(SectionKind, f64)| {
            let name = if *kind == SectionKind::B { "B" } else { "x" }.to_owned();
            let start = start_seconds;
            start_seconds += seconds;
            Section { kind: *kind, name, first_bar: 0, bars: 1, start_seconds: start, seconds: *seconds, transposed: 0 }
        };
        of.iter().map(section).collect()
    }

    fn check(of: &[(SectionKind, f64)], total_ms: u64, is_sung: bool, expected: &[(&str, u64, bool)]) {
        let parts = parts(&sections(of), total_ms, is_sung, &PlanLimits::default());
        let parts: Vec<_> = parts.iter().map(|part| (part.name.as_str(), part.ms, part.sings)).collect();
        assert_eq!(parts, expected, "{of:?} in {total_ms} ms");
    }

    #[test]
    fn what_is_short_joins_its_neighbour_and_who_sings_gives_the_name() {
        use SectionKind::{A, B, Ending, FullA, Intro, Pickup, Solo};
        let song = [(Pickup, 0.6), (Intro, 4.0), (A, 10.0), (B, 8.0), (FullA, 10.0), (Ending, 2.4)];
        check(
            &song,
            35_000,
            true,
            &[("Intro", 4_600, false), ("Verse 1", 10_000, true), ("Bridge", 8_000, true), ("Verse 2", 12_400, true)],
        );
        check(
            &song[1..4],
            22_000,
            false,
            &[("Intro", 4_000, false), ("Theme", 10_000, false), ("Second theme", 8_000, false)],
        );
        let twice = [(A, 9.0), (B, 9.0), (Solo, 9.0), (B, 9.0)];
        check(
            &twice,
            36_000,
            true,
            &[("Verse", 9_000, true), ("Chorus 1", 9_000, true), ("Solo", 9_000, false), ("Chorus 2", 9_000, true)],
        );
        check(&[(Intro, 2.0), (A, 1.0)], 3_000, true, &[("Verse", 3_000, true)]);
        check(&[(Intro, 20.0), (Ending, 4.0)], 24_000, true, &[("Intro", 20_000, true), ("Outro", 4_000, false)]);
        check(&[], 5_000, true, &[("Song", 5_000, true)]);
    }

    #[test]
    fn what_is_long_is_cut_and_what_is_many_is_joined() {
        use SectionKind::{A, B};
        check(&[(A, 121.001)], 121_001, false, &[("Theme 1", 60_500, false), ("Theme 2", 60_501, false)]);
        check(&[(A, 120.0)], 120_000, false, &[("Theme", 120_000, false)]);
        let many: Vec<_> = (0..150).map(|index| (if index % 2 == 0 { A } else { B }, 4.0)).collect();
        for most in [30, 7] {
            let limits = PlanLimits { parts: most, ..PlanLimits::default() };
            let parts = parts(&sections(&many), 600_000, true, &limits);
            assert_eq!((parts.len(), parts.iter().map(|part| part.ms).sum::<u64>()), (most, 600_000));
        }
        let limits = PlanLimits { part_ms: 5_000..=10_000, ..PlanLimits::default() };
        let parts = parts(&sections(&[(A, 4.0), (B, 27.0)]), 31_000, false, &limits);
        assert!(parts.iter().all(|part| limits.part_ms.contains(&part.ms)), "{parts:?}");
    }
}
