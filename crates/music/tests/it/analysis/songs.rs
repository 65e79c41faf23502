//! Whole songs made from their truth.

use music::analysis::{Analysis, analyse};

use super::labelled::{Labelled, make};

const SONGS: u64 = 60;

fn share(measure: impl Fn(&Labelled, &Analysis) -> (usize, usize)) -> f64 {
    let (mut right, mut all) = (0, 0);
    for seed in 0..SONGS {
        let song = make(seed);
        assert_eq!(song.bars[0].key, song.key);
        let (good, count) = measure(&song, &analyse(&song.score));
        right += good;
        all += count;
    }
    right as f64 / all as f64
}

fn at_least(least: f64, share: f64, what: &str) {
    assert!(share >= least, "{what}: {share:.3} is right, expected at least {least}");
}

#[test]
fn most_chords_keys_roles_and_sections_of_made_songs_are_found() {
    let chords = share(|song, found| {
        let right = |slot: &&music::analysis::ChordSlot| {
            slot.chord.is_some_and(|chord| song.bars.get(slot.bar).is_some_and(|bar| bar.chord.root == chord.root))
        };
        (found.chords.iter().filter(right).count(), found.chords.len())
    });
    at_least(0.9, chords, "chord roots");
    let keys = share(|song, found| {
        let right = |(bar, truth): &(usize, &super::labelled::BarTruth)| {
            found.key_at(*bar).is_some_and(|key| key.tonic == truth.key.0)
        };
        (song.bars.iter().enumerate().filter(right).count(), song.bars.len())
    });
    at_least(0.8, keys, "local tonics");
    let roles = share(|song, found| {
        let right = song.roles.iter().zip(&found.parts).filter(|(role, part)| **role == part.role);
        (right.count(), song.roles.len())
    });
    at_least(0.93, roles, "roles");
    let doubles = share(|song, found| {
        let right = song.doubles.iter().zip(&found.parts);
        let doubled =
            |parts: &[music::analysis::PartAnalysis]| parts.iter().filter(|part| part.doubles.is_some()).count();
        let expected = song.doubles.iter().filter(|double| **double).count();
        (usize::from(doubled(&found.parts) == expected), usize::from(right.count() > 0))
    });
    at_least(0.93, doubles, "doubles");
    let sections = share(|song, found| {
        let label = |bar: usize| found.section_at(bar).map(|section| section.label);
        let bars: Vec<usize> = (0..song.bars.len()).step_by(8).collect();
        let pairs = bars.iter().enumerate().flat_map(|(index, a)| bars[index + 1..].iter().map(move |b| (*a, *b)));
        let pairs: Vec<(usize, usize)> = pairs.collect();
        let right = |pair: &&(usize, usize)| {
            (song.bars[pair.0].section == song.bars[pair.1].section) == (label(pair.0) == label(pair.1))
        };
        (pairs.iter().filter(right).count(), pairs.len())
    });
    at_least(0.85, sections, "pairs of sections told alike or unlike");
}

#[test]
fn the_same_score_gives_the_same_analysis() {
    let song = make(3);
    let found = analyse(&song.score);
    assert_eq!(found, analyse(&song.score));
    assert_eq!(found.bars[0].quarters, f64::from(song.bar_quarters));
}
