//! Grooves.

use super::facts::{BarFacts, Facts, mean, share};
use crate::{
    composition::SectionKind,
    role::{LineNote, Role, TICKS_PER_QUARTER},
};

const KICK: u8 = 36;
const SNARES: [u8; 3] = [38, 37, 39];
const STEP: u32 = TICKS_PER_QUARTER / 4;

/// Length of the first of two notes of a pair to the second, as played: the median place of what comes between the quarters
/// (`division` 2) or the eighths (4).
pub fn swing(facts: &Facts<'_>, division: u32) -> Option<f64> {
    let pair = u64::from(2 * TICKS_PER_QUARTER / division);
    let pickup = u64::from(facts.song.effective.pickup_beats * TICKS_PER_QUARTER);
    let parts = facts.song.score.parts.iter().zip(&facts.song.part_roles).filter(|(_, role)| **role != Role::Pad);
    let notes = parts
        .flat_map(|(part, _)| &part.notes)
        .filter(|note| note.onset >= pickup && note.onset < u64::from(facts.end));
    let mut places: Vec<f64> = notes
        .map(|note| ((note.onset - pickup) % pair) as f64 / pair as f64)
        // Notes on the beat, sixteenths around the middle and first triplets say nothing.
        .filter(|place| (0.4..0.74).contains(place))
        .collect();
    places.sort_by(f64::total_cmp);
    let place = *places.get(places.len() / 2).filter(|_| places.len() >= 8)?;
    Some(place / (1.0 - place))
}

fn strikes(facts: &Facts<'_>, bar: &BarFacts, keys: &[u8], at: u32) -> bool {
    facts.inside(Role::Drums, bar).any(|(place, note)| place == at && keys.contains(&note.pitch) && note.velocity >= 50)
}

/// Bars with drums that have a snare (or stick or clap) on 2 and on 4.
pub fn backbeat(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| [1, 3].iter().all(|beat| strikes(facts, bar, &SNARES, beat * TICKS_PER_QUARTER)))
}

pub fn four_on_the_floor(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| (0..4).all(|beat| strikes(facts, bar, &[KICK], beat * TICKS_PER_QUARTER)))
}

/// When drums begin, as a share of the song.
pub fn drums_enter(facts: &Facts<'_>) -> Option<f64> {
    facts
        .drums()
        .first()
        .filter(|note| note.onset < facts.end)
        .map(|note| f64::from(note.onset) / f64::from(facts.end.max(1)))
}

/// Strokes of some drums in a bar of the bars in which there are drums.
pub fn strokes(facts: &Facts<'_>, keys: &[u8]) -> Option<f64> {
    mean(
        facts
            .groove()
            .map(|bar| facts.inside(Role::Drums, bar).filter(|(_, note)| keys.contains(&note.pitch)).count() as f64),
    )
}

/// Onsets of comping, in order: place in the bar and how many keys.
fn comping<'a>(facts: &'a Facts<'_>, bar: &BarFacts) -> Vec<(u32, Vec<&'a LineNote>)> {
    let mut onsets: Vec<(u32, Vec<&LineNote>)> = Vec::new();
    for (at, note) in facts.inside(Role::Comping, bar) {
        match onsets.last_mut().filter(|(last, _)| *last == at) {
            Some((_, notes)) => notes.push(note),
            None => onsets.push((at, vec![note])),
        }
    }
    onsets
}

/// Strokes of comping that are single notes.
pub fn single_strokes(facts: &Facts<'_>) -> Option<f64> {
    share(facts.groove().flat_map(|bar| comping(facts, bar)).map(|(_, notes)| notes.len() == 1))
}

pub fn comping_strokes(facts: &Facts<'_>) -> Option<f64> {
    mean(facts.groove().map(|bar| comping(facts, bar).len() as f64))
}

/// Strokes of comping that are not on a beat.
pub fn off_beat_chords(facts: &Facts<'_>) -> Option<f64> {
    share(facts.groove().flat_map(|bar| comping(facts, bar)).map(|(at, _)| at % TICKS_PER_QUARTER != 0))
}

/// Root on 1 and fifth on 3.
pub fn alternating_bass(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| {
        let at = |beat: u32| {
            facts.inside(Role::Bass, bar).find(|(at, _)| *at == beat * TICKS_PER_QUARTER).map(|(_, note)| note.pitch)
        };
        let half = facts.chord_at(bar.start + 2 * TICKS_PER_QUARTER);
        match (facts.chord_at(bar.start), half, at(0), at(2)) {
            (Some(chord), Some(half), Some(one), Some(three)) => {
                // Where the chord changes on 3, its root is the other pole.
                let pole = if half == chord { (chord.root + chord.quality.fifth()) % 12 } else { half.bass_class() };
                one % 12 == chord.bass_class() && three % 12 == pole
            }
            _ => false,
        }
    })
}

/// Bars with a bass note on each beat and hardly one between them.
pub fn walking(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| {
        let places: Vec<u32> = facts.inside(Role::Bass, bar).map(|(at, _)| at).collect();
        (0..facts.beats).all(|beat| places.contains(&(beat * TICKS_PER_QUARTER)))
            && places.len() <= facts.beats as usize + 1
    })
}

/// Bars with a ride on every beat and its skip before 3 or 1.
pub fn ride(facts: &Facts<'_>) -> Option<f64> {
    let on = |bar: &BarFacts, at: u32| {
        facts.inside(Role::Drums, bar).any(|(place, note)| place == at && matches!(note.pitch, 51 | 53))
    };
    facts.share(|bar| (0..4).all(|beat| on(bar, beat * TICKS_PER_QUARTER)) && (on(bar, 6 * STEP) || on(bar, 14 * STEP)))
}

/// Bars with a bass note on 1, one on 2-and or right around it, and one on 3 that goes on.
pub fn bossa_bass(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| {
        let has = |step: u32| facts.inside(Role::Bass, bar).any(|(at, _)| at == step * STEP);
        has(0) && (has(6) || has(5)) && has(8)
    })
}

/// Strokes of some drums that are between the beats.
pub fn clave_like(facts: &Facts<'_>, keys: &[u8]) -> Option<f64> {
    let strokes = facts
        .groove()
        .flat_map(|bar| facts.inside(Role::Drums, bar))
        .filter(|(_, note)| keys.contains(&note.pitch) && note.velocity >= 55);
    share(strokes.map(|(at, _)| at % TICKS_PER_QUARTER != 0))
}

/// Bars in which a drum is struck harder on a beat than anywhere else.
pub fn accent_on(facts: &Facts<'_>, key: u8, beat: u32) -> Option<f64> {
    facts.share(|bar| {
        let strokes: Vec<(u32, u8)> = facts
            .inside(Role::Drums, bar)
            .filter(|(_, note)| note.pitch == key)
            .map(|(at, note)| (at, note.velocity))
            .collect();
        let loudest = strokes.iter().map(|(_, velocity)| *velocity).max();
        strokes.iter().any(|(at, velocity)| *at == beat * TICKS_PER_QUARTER && Some(*velocity) == loudest)
    })
}

/// Bars whose 1 weighs more, in kick and bass, than each other beat.
pub fn one_is_strongest(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| {
        let weight = |beat: u32| -> u32 {
            let notes = facts
                .inside(Role::Bass, bar)
                .chain(facts.inside(Role::Drums, bar).filter(|(_, note)| note.pitch == KICK));
            notes.filter(|(at, _)| at / TICKS_PER_QUARTER == beat).map(|(_, note)| u32::from(note.velocity)).sum()
        };
        (1..facts.beats).all(|beat| weight(beat) < weight(0))
    })
}

/// Bars with kick and stick (or snare) on 3 and no kick on 1.
pub fn one_drop(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| {
        let three = 2 * TICKS_PER_QUARTER;
        strikes(facts, bar, &[KICK], three) && strikes(facts, bar, &SNARES, three) && !strikes(facts, bar, &[KICK], 0)
    })
}

/// Bars whose bass comes on 2-and and on 4, the last being what the next chord stands on, and does not strike the 1 again.
pub fn tumbao(facts: &Facts<'_>) -> Option<f64> {
    let bars = facts
        .groove()
        .filter(|bar| matches!(bar.kind, SectionKind::A | SectionKind::FullA | SectionKind::Solo | SectionKind::Tag));
    share(bars.filter(|bar| bar.index > 0).map(|bar| {
        let has = |step: u32| facts.inside(Role::Bass, bar).any(|(at, _)| at == step * STEP);
        has(6) && has(12) && !has(0)
    }))
}

/// Pairs of bars with the five strokes of the son clave, three and two.
pub fn clave(facts: &Facts<'_>) -> Option<f64> {
    let own = |bar: &BarFacts| {
        facts.inside(Role::Drums, bar).filter(|(_, note)| note.pitch == 75).map(|(at, _)| at / STEP).collect::<Vec<_>>()
    };
    let pairs = facts.bars.windows(2).filter(|pair| pair[0].index % 2 == 0 && pair[1].index == pair[0].index + 1);
    share(pairs.map(|pair| own(&pair[0]) == [0, 6, 12] && own(&pair[1]) == [4, 8]))
}

/// Strokes of comping between the beats that are one note and its octave.
pub fn montuno(facts: &Facts<'_>) -> Option<f64> {
    let bars = facts.groove().filter(|bar| matches!(bar.kind, SectionKind::A | SectionKind::FullA | SectionKind::Solo));
    share(bars.flat_map(|bar| comping(facts, bar)).map(|(at, notes)| {
        let is_octave = notes.len() == 2 && notes[1].pitch == notes[0].pitch + 12;
        is_octave && at % TICKS_PER_QUARTER != 0
    }))
}

/// Bars in which one of some drums is struck on every beat.
pub fn on_every_beat(facts: &Facts<'_>, keys: &[u8]) -> Option<f64> {
    let on = |bar: &BarFacts, at: u32| {
        facts.inside(Role::Drums, bar).any(|(place, note)| place == at && keys.contains(&note.pitch))
    };
    facts.share(|bar| keys.iter().any(|_| (0..facts.beats).all(|beat| on(bar, beat * TICKS_PER_QUARTER))))
}

/// Bars with open congas on 4 and 4-and.
pub fn congas(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| strikes(facts, bar, &[63], 12 * STEP) && strikes(facts, bar, &[63], 14 * STEP))
}

/// Strokes of bass and comping that lie between the eighths.
pub fn sixteenth_share(facts: &Facts<'_>) -> Option<f64> {
    let strokes = facts.groove().flat_map(|bar| {
        let bass = facts.inside(Role::Bass, bar).map(|(at, _)| at);
        bass.chain(comping(facts, bar).into_iter().map(|(at, _)| at)).collect::<Vec<_>>()
    });
    share(strokes.map(|at| at % (2 * STEP) != 0))
}

/// Strokes of the snare that are soft.
pub fn ghosts(facts: &Facts<'_>) -> Option<f64> {
    let snare = facts.groove().flat_map(|bar| facts.inside(Role::Drums, bar)).filter(|(_, note)| note.pitch == 38);
    share(snare.map(|(_, note)| note.velocity < 62))
}

/// Bars with a hat or shaker on at least three of the eighths between the beats.
pub fn off_beat_hats(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| {
        let on = |at: u32| {
            facts.inside(Role::Drums, bar).any(|(place, note)| place == at && matches!(note.pitch, 42 | 46 | 51 | 54))
        };
        let not_on_beats = (0..4)
            .filter(|beat| {
                facts.inside(Role::Drums, bar).any(|(at, note)| at == beat * TICKS_PER_QUARTER && note.pitch == 46)
            })
            .count()
            < 2;
        not_on_beats && (0..4).filter(|beat| on(beat * TICKS_PER_QUARTER + 2 * STEP)).count() >= 3
    })
}

/// Steps of the bass that are octaves.
pub fn octave_leaps(facts: &Facts<'_>) -> Option<f64> {
    share(facts.line(Role::Bass).windows(2).map(|pair| pair[0].pitch.abs_diff(pair[1].pitch) == 12))
}

/// How much denser the drums are in the two bars before a fuller section than in the bar before those, on average.
pub fn build(facts: &Facts<'_>) -> Option<f64> {
    let count = |bar: &BarFacts| facts.inside(Role::Drums, bar).count() as f64;
    let places = (3..facts.bars.len()).filter(|&at| {
        let full = matches!(facts.bars[at].kind, SectionKind::FullA | SectionKind::Solo | SectionKind::Tag);
        full && facts.bars[at].index == 0 && facts.bars[at - 1].index >= 2
    });
    mean(places.map(|at| {
        (count(&facts.bars[at - 1]) + count(&facts.bars[at - 2])) / 2.0 / count(&facts.bars[at - 3]).max(1.0)
    }))
}

/// Mean velocity of what is struck, drums and comping.
pub fn loudness(facts: &Facts<'_>) -> Option<f64> {
    let notes = facts.drums().iter().chain(facts.line(Role::Comping));
    mean(notes.filter(|note| note.onset < facts.end).map(|note| f64::from(note.velocity)))
}

/// Share of the time in which a pad sounds.
pub fn pad_share(facts: &Facts<'_>) -> Option<f64> {
    share((0..facts.end / TICKS_PER_QUARTER).map(|beat| {
        let middle = beat * TICKS_PER_QUARTER + TICKS_PER_QUARTER / 2;
        facts.line(Role::Pad).iter().any(|note| note.onset <= middle && middle < note.end())
    }))
}

/// Moments in a bar at which something begins, drums aside.
pub fn onsets(facts: &Facts<'_>) -> Option<f64> {
    mean(facts.bars.iter().map(|bar| {
        let roles = [Role::Melody, Role::Comping, Role::Pad, Role::Bass];
        let mut places: Vec<u32> = roles.iter().flat_map(|role| facts.inside(*role, bar)).map(|(at, _)| at).collect();
        places.sort_unstable();
        places.dedup();
        places.len() as f64
    }))
}

/// How much louder the last third is struck than the first, in velocity.
pub fn crescendo(facts: &Facts<'_>) -> Option<f64> {
    let third = |from: u32, to: u32| {
        let inside = |note: &&LineNote| (from..to).contains(&note.onset);
        mean(facts.song.lines.iter().flatten().filter(inside).map(|note| f64::from(note.velocity)))
    };
    Some(third(2 * facts.end / 3, facts.end)? - third(0, facts.end / 3)?)
}
