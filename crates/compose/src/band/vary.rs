//! Patterns of chords and basses as one song has them: a stroke more, a stroke less, voices exchanged. What makes the style (what
//! is on the beats, the first stroke, all accents) stays.

use crate::{
    brief::Brief,
    dice::{Dice, Matter},
    spec::{Line, Slot, Stroke},
};

/// How often a pattern is played as it stands.
const PLAIN_SHARE: f64 = 0.2;

/// The pattern of a letter in this song.
pub fn varied(brief: &Brief<'_>, pattern: &Line, slot: Slot, letter: char, matter: Matter) -> Line {
    let mut dice = brief.dice(matter, 0x4000 | (slot as u32) << 8 | u32::from(letter as u8));
    let mut steps = pattern.0.clone();
    if steps.is_empty() || dice.chance(PLAIN_SHARE) {
        return Line(steps);
    }
    let beat = brief.spec.steps_per_beat as usize;
    let bar = brief.spec.steps_per_bar() as usize;
    let is_stroke = |stroke: Stroke| !matches!(stroke, Stroke::Rest | Stroke::Hold);
    // Eighths do not get sixteenths between them.
    let is_fine = steps.iter().enumerate().any(|(at, stroke)| at % 2 == 1 && is_stroke(*stroke));
    let unit = if beat == 3 || is_fine { 1 } else { 2 };
    // What comes early for the next chord is held over the bar line.
    let early = |at: &usize| steps[at / bar * bar..*at].contains(&Stroke::Next);
    let free: Vec<usize> = (1..steps.len())
        .filter(|at| !early(at))
        .filter(|at| at % beat != 0 && at % unit == 0 && !is_stroke(steps[*at]))
        .collect();
    let strokes = steps.iter().filter(|stroke| is_stroke(**stroke)).count() * bar / steps.len();
    // A sparse pattern stays one.
    let most = if strokes > 5 { 2 } else { 1 };
    for _ in 0..1 + dice.below(most) {
        if let Some(&at) = dice.pick(&free) {
            steps[at] = more(matter, at, bar, &steps, &mut dice);
        }
    }
    let digits: Vec<usize> =
        (1..steps.len()).filter(|at| matter == Matter::Comping && matches!(steps[*at], Stroke::Degree(_))).collect();
    if digits.len() >= 4 {
        for _ in 0..2 {
            let places = dice.pick(&digits).copied().zip(dice.pick(&digits).copied());
            if let Some((a, b)) = places {
                steps.swap(a, b);
            }
        }
    } else {
        let plain =
            |at: &usize| !at.is_multiple_of(beat) && matches!(steps[*at], Stroke::Plain | Stroke::Muted | Stroke::Dead);
        let spare: Vec<usize> = (1..steps.len()).filter(plain).collect();
        if spare.len() >= 3
            && dice.chance(0.5)
            && let Some(&at) = dice.pick(&spare)
        {
            steps[at] = if steps[at - 1] == Stroke::Rest { Stroke::Rest } else { Stroke::Hold };
        }
    }
    Line(steps)
}

/// A stroke that is put in.
fn more(matter: Matter, at: usize, bar: usize, steps: &[Stroke], dice: &mut Dice) -> Stroke {
    let is_late = at % bar >= bar * 3 / 4;
    match matter {
        Matter::Bass if is_late => Stroke::Approach,
        Matter::Bass => [Stroke::Dead, Stroke::Degree(5), Stroke::Degree(Line::ROOT), Stroke::Dead][dice.below(4)],
        _ if steps.iter().any(|stroke| matches!(stroke, Stroke::Degree(_))) => Stroke::Degree(dice.below(4) as u8),
        _ if steps.contains(&Stroke::Muted) => Stroke::Muted,
        _ => Stroke::Plain,
    }
}
