//! Rhythms and contours of a theme.

use crate::{
    brief::Brief,
    dice::Dice,
    spec::{Line, Stroke},
};

/// A note of a theme before it has a pitch.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tone {
    /// From the start of the bar.
    pub step: u32,
    pub steps: u32,
    /// Steps of the scale above the middle of the range.
    pub height: f64,
    /// It ends a phrase.
    pub is_close: bool,
    pub is_last_of_bar: bool,
    /// It may lean on the chord although it is strong.
    pub lean: bool,
    /// Which motif it is of, and its place there: the same pair has the same whims.
    pub motif: (u8, u8),
}

/// One bar of rhythm and contour.
#[derive(Clone, Debug)]
struct Motif {
    /// Step, length.
    rhythm: Vec<(u32, u32)>,
    contour: Vec<f64>,
    leans: Vec<bool>,
}

/// The motifs of a section, and which bar has which.
pub struct Theme {
    motifs: Vec<Motif>,
    closes: Vec<Motif>,
    /// Per bar of eight: motif (or close, from 8 on), and by how many scale steps it is moved.
    scheme: [(usize, f64); 8],
    is_solo: bool,
    is_twelve: bool,
}

/// Number from which a scheme means closes.
const CLOSE: usize = 8;

impl Theme {
    pub fn new(brief: &Brief<'_>, letter: char, is_solo: bool, dice: &mut Dice) -> Self {
        let count = if is_solo { 6 } else { 4 };
        let mut rhythms: Vec<&Line> = brief.spec.rhythms.iter().collect();
        let mut motifs = Vec::new();
        // Another theme begins on another rhythm.
        let turn = match letter {
            'B' => 2,
            'C' => 4,
            'D' => 1,
            _ => 0,
        };
        for index in 0..count {
            let rest = rhythms.len().max(1);
            let pick = (dice.below(rest) + turn * usize::from(index == 0)) % rest;
            let own = if rhythms.is_empty() { break } else { rhythms.swap_remove(pick) };
            if rhythms.is_empty() {
                rhythms = brief.spec.rhythms.iter().collect();
            }
            let rhythm = vary(brief, own, if is_solo { 3 } else { 1 + dice.below(3) }, is_solo, dice);
            motifs.push(Motif::new(rhythm, brief.spec.leap_share, dice));
        }
        let closes = (0..2).filter_map(|_| dice.pick(&brief.spec.closes).cloned()).collect::<Vec<_>>();
        let closes = closes.into_iter().map(|close| {
            let rhythm = vary(brief, &close, usize::from(dice.chance(0.4)), false, dice);
            Motif::new(rhythm, brief.spec.leap_share / 2.0, dice)
        });
        let closes: Vec<Motif> = closes.collect();
        let lift = match letter {
            'B' => 4.0,
            'C' => 1.0,
            'K' => -2.0,
            _ => 0.0,
        };
        let scheme = scheme(brief.instrumental, brief.spec.density.1 <= 2.0, lift, dice);
        Self { motifs, closes, scheme, is_solo, is_twelve: brief.spec.unit == 12 }
    }

    /// The notes of a bar. The last of a section closes.
    pub fn bar(&self, index: u32, is_end: bool, is_sparse: bool) -> Vec<Tone> {
        let (which, lift) = match index as usize % 12 {
            // Twelve bars are a line, the line once more, and another.
            place @ 8.. if self.is_twelve => (2 + place % 2, self.scheme[place - 4].1),
            place if self.is_twelve => self.scheme[place % 4],
            _ => self.scheme[index as usize % 8],
        };
        let (which, lift) = match (self.is_solo, is_end) {
            (_, true) => (CLOSE + 1, -0.5),
            // Solos do not come back to what they said.
            (true, false) if which < CLOSE => (index as usize * 5 % self.motifs.len().max(1), lift),
            _ => (which, lift),
        };
        if is_sparse && !is_end && index % 2 == 1 {
            return Vec::new();
        }
        let is_close = which >= CLOSE;
        let from = if is_close { &self.closes } else { &self.motifs };
        let place = which % CLOSE;
        let Some(motif) = from.get(place % from.len().max(1)) else { return Vec::new() };
        let last = motif.rhythm.len().saturating_sub(1);
        let tones = motif.rhythm.iter().enumerate().map(|(index, &(step, steps))| Tone {
            step,
            steps,
            height: motif.contour[index] + lift,
            is_close: is_close && index == last,
            is_last_of_bar: index == last,
            lean: motif.leans[index],
            motif: (which as u8, index as u8),
        });
        tones.collect()
    }
}

/// Which bar plays what: a question and an answer of four bars each. A voice closes every two bars, to breathe.
fn scheme(instrumental: bool, is_sparse: bool, lift: f64, dice: &mut Dice) -> [(usize, f64); 8] {
    const C0: usize = CLOSE;
    const C1: usize = CLOSE + 1;
    let schemes: &[[usize; 8]] = if is_sparse {
        // Of few notes, more have to come back.
        &[[0, 1, 0, C0, 0, 1, 0, C1], [0, C0, 0, C0, 0, C0, 0, C1]]
    } else if instrumental {
        &[
            [0, 1, 0, C0, 0, 1, 2, C1],
            [0, 0, 1, C0, 0, 0, 2, C1],
            [0, 1, 2, C0, 0, 1, 3, C1],
            [0, C0, 0, 1, 0, C0, 2, C1],
            [0, 1, 0, 2, 0, 1, 3, C1],
        ]
    } else {
        &[[0, C0, 0, C1, 0, C0, 1, C1], [0, C0, 1, C0, 0, C0, 2, C1], [0, C1, 0, C0, 2, C1, 0, C1]]
    };
    let chosen = dice.pick(schemes).copied().unwrap_or([0; 8]);
    // An arch over each four bars.
    let arches: [[f64; 8]; 3] = [
        [0.0, 1.0, 1.0, -1.0, 0.0, 1.0, 2.0, -1.0],
        [0.0, -1.0, -1.0, -2.0, 0.0, 1.0, 0.0, -1.0],
        [-1.0, 0.0, 1.0, 2.0, 1.0, 0.0, -1.0, -1.0],
    ];
    let arch = dice.pick(&arches).copied().unwrap_or_default();
    // Few notes are to be recognised: they stay where they are.
    let size = if is_sparse { 0.5 } else { 2.0 };
    std::array::from_fn(|bar| (chosen[bar], size * arch[bar] + lift))
}

impl Motif {
    fn new(rhythm: Vec<(u32, u32)>, leap_share: f64, dice: &mut Dice) -> Self {
        const REACH: f64 = 5.5;
        let mut contour = Vec::with_capacity(rhythm.len());
        let mut height: f64 = [-1.0, 0.0, 0.0, 1.0, 2.0][dice.below(5)];
        let mut up = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let mut leapt = false;
        for _ in &rhythm {
            contour.push(height);
            let leaps = !leapt && dice.chance(leap_share);
            height +=
                up * if leaps { [2.0, 3.0, 4.0][dice.below(3)] } else { [1.0, 1.0, 1.0, 2.0, 0.0][dice.below(5)] };
            // A leap is answered by a turn, and a line that has gone far comes back.
            if leaps || dice.chance(0.3) {
                up = -up;
            }
            leapt = leaps;
            if height.abs() > REACH {
                up = -height.signum();
            }
        }
        let leans = rhythm.iter().map(|_| dice.chance(0.15)).collect();
        Self { rhythm, contour, leans }
    }
}

/// A rhythm as this song has it: some notes shifted, joined, divided or left out.
fn vary(brief: &Brief<'_>, own: &Line, times: usize, denser: bool, dice: &mut Dice) -> Vec<(u32, u32)> {
    let mut steps: Vec<Stroke> = own.0.clone();
    let unit = if brief.spec.steps_per_beat == 3
        || steps.iter().enumerate().any(|(at, s)| at % 2 == 1 && *s == Stroke::Plain)
    {
        1
    } else {
        2
    };
    let (least, most) = brief.spec.density;
    let (least, most) = if denser { (least, most + 2.0) } else { (least, most) };
    // Room for breath and syllables.
    let most = if brief.instrumental { most } else { most.min(5.0) };
    let lean = 2.0 * (brief.energy - 0.5);
    for _ in 0..times {
        let onsets: Vec<usize> = (0..steps.len()).filter(|at| steps[*at] == Stroke::Plain).collect();
        let Some(&at) = dice.pick(&onsets) else { break };
        let count = onsets.len() as f64;
        match dice.share() + 0.2 * lean {
            shift if shift < 0.4 => {
                let to = if dice.chance(0.5) { at.checked_sub(unit) } else { Some(at + unit) };
                let free = to.filter(|to| at > 0 && *to < steps.len() && steps[*to] != Stroke::Plain);
                if let Some(to) = free {
                    let before = at.checked_sub(1).map_or(Stroke::Rest, |before| steps[before]);
                    steps[at] = if to < at {
                        Stroke::Hold
                    } else if before == Stroke::Rest {
                        Stroke::Rest
                    } else {
                        Stroke::Hold
                    };
                    (to + 1..at).for_each(|between| steps[between] = Stroke::Hold);
                    steps[to] = Stroke::Plain;
                }
            }
            join if join < 0.6 && count > least.max(1.0) => {
                let before = at.checked_sub(1).map_or(Stroke::Rest, |before| steps[before]);
                steps[at] = if before == Stroke::Rest { Stroke::Rest } else { Stroke::Hold };
                if steps[at] == Stroke::Rest {
                    (at + 1..steps.len())
                        .take_while(|next| own.0[*next] == Stroke::Hold)
                        .for_each(|next| steps[next] = Stroke::Rest);
                }
            }
            _ if count < most => {
                let length = 1 + steps[at + 1..].iter().take_while(|stroke| **stroke == Stroke::Hold).count();
                if length >= 2 * unit {
                    steps[at + (length / 2).next_multiple_of(unit).min(length - unit)] = Stroke::Plain;
                }
            }
            _ => {}
        }
    }
    let mut rhythm: Vec<(u32, u32)> = Vec::new();
    for (at, stroke) in steps.iter().enumerate() {
        match stroke {
            Stroke::Plain => rhythm.push((at as u32, 1)),
            Stroke::Hold => {
                if let Some((_, length)) = rhythm.last_mut().filter(|(start, length)| (start + length) as usize == at) {
                    *length += 1;
                }
            }
            _ => {}
        }
    }
    if rhythm.is_empty() {
        rhythm.push((0, brief.spec.steps_per_beat));
    }
    rhythm
}
