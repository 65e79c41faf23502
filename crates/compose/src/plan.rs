//! The song bar by bar: sections, their chords, and where everything is in time.

use music::{Key, Mode};

use crate::{
    brief::Brief,
    chord::{Chord, Quality},
    clock::Clock,
    composition::SectionKind,
    dice::Matter,
    form::{self, Frame, PlannedSection},
    length::{self, Length, Wanted},
    role::{Role, TICKS_PER_QUARTER},
    spec::{Harmony, Numeral, Slot},
};

/// A bar before it has notes.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Its section's place.
    pub section: usize,
    /// In the section, from 0.
    pub index: u32,
    pub start: u32,
    /// When each begins, in ticks from the start of the bar, and the chord. Never empty; the first begins at 0.
    pub chords: Vec<(u32, Chord)>,
}

/// The whole plan.
pub struct Plan {
    pub length: Length,
    pub clock: Clock,
    pub seconds: f64,
    pub sections: Vec<PlannedSection>,
    pub bars: Vec<Bar>,
    /// Under the pickup, if there is one.
    pub pickup_chord: Chord,
    pub last_chord: Chord,
    pub key: Key,
    pub bar_ticks: u32,
    pub pickup_ticks: u32,
    /// Where the last chord begins.
    pub end: u32,
}

/// Bars of a song whose length nobody says.
const USUAL_BARS: u32 = 36;

impl Plan {
    pub fn of(brief: &mut Brief<'_>) -> Self {
        let frame = Frame {
            unit: brief.spec.unit,
            chart_bars: brief.chart.map(|chart| chart.bars().len() as u32),
            wanted: brief.form,
            may_modulate: brief.chart.is_none(),
        };
        let beats = brief.beats();
        let seconds = brief.seconds.unwrap_or_else(|| usual_seconds(brief, &frame));
        let (least, most) = brief.spec.hold;
        if brief.spec.unit == 12 && !brief.tempo_is_given && brief.chart.is_none() && brief.form.is_none() {
            brief.bpm = whole_choruses(brief, seconds);
        }
        let wanted = Wanted {
            seconds,
            beats_per_bar: beats,
            bpm: brief.bpm,
            is_locked: brief.tempo_is_given,
            range_bpm: (brief.spec.tempo.0, brief.spec.tempo.2),
            hold_seconds: (least, most),
        };
        let length = length::plan(&wanted, |bars| frame.misfit(bars));
        let bar_ticks = beats * TICKS_PER_QUARTER;
        let pickup_ticks = length.pickup_beats(beats) * TICKS_PER_QUARTER;
        let mut dice = brief.dice(Matter::Form, 0);
        let sections = form::plan(length.bars(beats), &frame, &mut dice, &mut brief.warnings);
        let mut plan = Self {
            length,
            clock: Clock::steady(length.bpm),
            seconds,
            sections,
            bars: Vec::new(),
            pickup_chord: Chord::new(brief.key.tonic, Quality::Major),
            last_chord: Chord::new(brief.key.tonic, Quality::Major),
            key: brief.key,
            bar_ticks,
            pickup_ticks,
            end: length.beats * TICKS_PER_QUARTER,
        };
        plan.harmonise(brief);
        plan
    }

    /// The plan of a band under somebody: time, sections and bars with their chords are given.
    pub fn under(brief: &Brief<'_>, clock: Clock, sections: Vec<PlannedSection>, bars: Vec<Bar>) -> Self {
        let bar_ticks = brief.beats() * TICKS_PER_QUARTER;
        let end = bars.len() as u32 * bar_ticks;
        let hold_seconds = (brief.spec.hold.0 + brief.spec.hold.1) / 2.0;
        let last = brief.dice(Matter::Harmony, 1).pick(&brief.spec.harmony(brief.key.mode).last).copied();
        let last_chord = last.map_or(Chord::new(brief.key.tonic, Quality::Major), |last| last.in_key(&brief.key));
        Self {
            length: Length { bpm: brief.bpm, beats: end / TICKS_PER_QUARTER, hold_seconds },
            seconds: clock.seconds(f64::from(end)) + hold_seconds,
            clock,
            sections,
            bars,
            pickup_chord: last_chord,
            last_chord,
            key: brief.key,
            bar_ticks,
            pickup_ticks: 0,
            end,
        }
    }

    /// The key of a section.
    pub fn key_of(&self, section: usize) -> Key {
        let up = self.sections.get(section).map_or(0, |section| section.transposed);
        Key { tonic: (i32::from(self.key.tonic) + up).rem_euclid(12) as u8, ..self.key }
    }

    pub fn section(&self, bar: &Bar) -> &PlannedSection {
        &self.sections[bar.section]
    }

    /// What sounds at a moment of a bar, and until when, in ticks from its start.
    pub fn chord_at(&self, bar: &Bar, at: u32) -> (Chord, u32) {
        let place = bar.chords.iter().rposition(|(start, _)| *start <= at).unwrap_or(0);
        let until = bar.chords.get(place + 1).map_or(self.bar_ticks, |next| next.0);
        (bar.chords[place].1, until)
    }

    /// The chord after a moment of a bar: the next of the bar, of the next bar, or the last of the song.
    pub fn next_chord(&self, index: usize, at: u32) -> Chord {
        let bar = &self.bars[index];
        let inside = bar.chords.iter().find(|(start, _)| *start > at).map(|(_, chord)| *chord);
        inside.or_else(|| self.bars.get(index + 1).map(|next| next.chords[0].1)).unwrap_or(self.last_chord)
    }

    pub fn is_last_of_section(&self, bar: &Bar) -> bool {
        bar.index + 1 == self.section(bar).bars
    }

    fn harmonise(&mut self, brief: &Brief<'_>) {
        let harmony = brief.spec.harmony(self.key.mode);
        let mut dice = brief.dice(Matter::Harmony, 0);
        let choices = Choices::of(harmony, &mut dice);
        let half = self.bar_ticks / 2 / TICKS_PER_QUARTER * TICKS_PER_QUARTER;
        let split = if self.bar_ticks == 3 * TICKS_PER_QUARTER { 2 * TICKS_PER_QUARTER } else { half };
        let mut start = self.pickup_ticks;
        for (place, section) in self.sections.clone().into_iter().enumerate() {
            let progression = choices.progression(harmony, &section);
            let key = self.key_of(place);
            for index in 0..section.bars {
                let chords = match brief.chart {
                    Some(chart) => {
                        let bar = &chart.bars()[self.bars.len() % chart.bars().len()];
                        spread(&bar.chords, self.bar_ticks)
                    }
                    None => {
                        let numerals = progression.get((section.from_bar + index) as usize % progression.len().max(1));
                        let starts = [0, split];
                        let numerals = numerals.into_iter().flatten().zip(starts);
                        numerals.map(|(numeral, at)| (at, numeral.in_key(&key))).collect()
                    }
                };
                self.bars.push(Bar { section: place, index, start, chords });
                start += self.bar_ticks;
            }
        }
        let last_key = self.key_of(self.sections.len().saturating_sub(1));
        let last = dice.pick(&harmony.last).map(|numeral| numeral.in_key(&last_key));
        self.last_chord = last.unwrap_or(self.last_chord);
        let cadence = dice.pick(&harmony.cadence).and_then(|bars| bars.first());
        let cadence: Vec<Chord> = cadence.into_iter().flatten().map(|numeral| numeral.in_key(&last_key)).collect();
        self.pickup_chord = cadence
            .last()
            .copied()
            .unwrap_or(self.last_chord)
            .moved(i32::from(self.key.tonic) - i32::from(last_key.tonic));
        if let Some(chart) = brief.chart {
            let mut chords = chart.bars().iter().flat_map(|bar| &bar.chords);
            let tonic = chords.find(|chord| chord.root == self.key.tonic && chord.quality.is_at_rest());
            let plain = if self.key.mode == Mode::Minor { Quality::Minor } else { Quality::Major };
            // In root position, however the chart has it: an inversion or a suspension would want to go on.
            self.last_chord = Chord::new(self.key.tonic, tonic.map_or(plain, |chord| chord.quality));
            self.pickup_chord = chart.bars()[0].chords[0];
        } else if self.bars.len() >= 3
            && let Some(bar) = self.bars.last_mut()
        {
            bar.chords = cadence.into_iter().zip([0, split]).map(|(chord, at)| (at, chord)).collect();
        }
        // A table without a chord, which a test rules out, is played as its tonic.
        let tonic = self.last_chord;
        self.bars.iter_mut().filter(|bar| bar.chords.is_empty()).for_each(|bar| bar.chords.push((0, tonic)));
    }
}

/// The tempo nearest to the preferred one at which whole choruses of twelve bars fill the time, if the style has such a tempo.
fn whole_choruses(brief: &Brief<'_>, seconds: f64) -> f64 {
    let (slowest, _, fastest) = brief.spec.tempo;
    let rest = seconds - (brief.spec.hold.0 + brief.spec.hold.1) / 2.0;
    let chorus = f64::from(12 * brief.beats());
    let tempos = (1..=80u32).map(|count| f64::from(count) * chorus * 60.0 / rest);
    let away = |bpm: &f64| (bpm / brief.bpm).ln().abs();
    let fitting = tempos.filter(|bpm| (slowest..=fastest).contains(bpm));
    fitting.min_by(|a, b| away(a).total_cmp(&away(b))).unwrap_or(brief.bpm)
}

/// Long enough for the whole form, at the preferred tempo.
fn usual_seconds(brief: &Brief<'_>, frame: &Frame<'_>) -> f64 {
    let bars = match (frame.wanted, frame.chart_bars) {
        (Some(form), _) => 4 + 8 * form.letters().len() as u32,
        (None, Some(chart)) => chart * (24u32.div_ceil(chart)).clamp(1, 8),
        (None, None) => {
            (USUAL_BARS / brief.spec.unit).max(3) * brief.spec.unit + if brief.spec.unit == 12 { 0 } else { 4 }
        }
    };
    let hold = (brief.spec.hold.0 + brief.spec.hold.1) / 2.0;
    let seconds = f64::from(bars * brief.beats()) * 60.0 / brief.bpm + hold;
    // To a tenth, so that what is reported can be asked for again.
    ((seconds * 10.0).round() / 10.0).clamp(crate::LEAST_SECONDS, crate::MOST_SECONDS)
}

/// Chords of a chart's bar, on its beats.
fn spread(chords: &[Chord], bar_ticks: u32) -> Vec<(u32, Chord)> {
    let beats = bar_ticks / TICKS_PER_QUARTER;
    let starts: &[u32] = match (chords.len(), beats) {
        (..=1, _) => &[0],
        (2, 3) => &[0, 2],
        (2, _) => &[0, 2],
        (3, 3) => &[0, 1, 2],
        (3, _) => &[0, 2, 3],
        (_, 3) => &[0, 1, 2],
        _ => &[0, 1, 2, 3],
    };
    starts.iter().zip(chords).map(|(beat, chord)| (beat * TICKS_PER_QUARTER, *chord)).collect()
}

type Progression = Vec<Vec<Numeral>>;

/// Which of a style's progressions this song has for each of its themes.
struct Choices {
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    intro: usize,
}

impl Choices {
    fn of(harmony: &Harmony, dice: &mut crate::dice::Dice) -> Self {
        let a = dice.below(harmony.a.len());
        let b = dice.below(harmony.b.len());
        let other = |of: usize, count: usize, step: usize| (of + step) % count.max(1);
        let step = 1 + dice.below(harmony.a.len().saturating_sub(1));
        Self {
            a,
            b,
            c: other(a, harmony.a.len(), step),
            d: other(b, harmony.b.len(), 1),
            intro: dice.below(harmony.intro.len()),
        }
    }

    fn progression<'a>(&self, harmony: &'a Harmony, section: &PlannedSection) -> &'a [Vec<Numeral>] {
        fn at(of: &[Progression], place: usize) -> &[Vec<Numeral>] {
            of.get(place).map_or(&[], Vec::as_slice)
        }
        match (section.kind, section.letter) {
            (SectionKind::Intro, _) if !harmony.intro.is_empty() => at(&harmony.intro, self.intro),
            (_, 'B') => at(&harmony.b, self.b),
            (_, 'C') => at(&harmony.a, self.c),
            (_, 'D' | 'K') => at(&harmony.b, self.d),
            _ => at(&harmony.a, self.a),
        }
    }
}

/// Which patterns a section plays. A gentle band keeps to the plainer ones, a strong one begins with the fuller.
pub fn slot(kind: SectionKind, letter: char, energy: f64) -> Slot {
    let slot = match kind {
        SectionKind::Intro | SectionKind::Pickup => Slot::Intro,
        SectionKind::A => Slot::A,
        SectionKind::B => Slot::B,
        SectionKind::Other if letter == 'C' => Slot::B,
        SectionKind::Break => Slot::Break,
        SectionKind::Other | SectionKind::FullA | SectionKind::Solo | SectionKind::Tag | SectionKind::Ending => {
            Slot::Full
        }
    };
    match slot {
        Slot::A if energy >= 0.85 => Slot::Full,
        Slot::Full if energy < 0.22 => Slot::A,
        other => other,
    }
}

/// How much a section gives, 0 to 1, beside the energy of the song.
pub fn force(kind: SectionKind, is_last: bool) -> f64 {
    match kind {
        SectionKind::Pickup | SectionKind::Intro => 0.3,
        SectionKind::A => 0.45,
        SectionKind::B => 0.6,
        SectionKind::Other => 0.55,
        SectionKind::Solo => 0.7,
        SectionKind::Break => 0.2,
        SectionKind::FullA if is_last => 0.85,
        SectionKind::FullA => 0.65,
        SectionKind::Tag | SectionKind::Ending => 0.85,
    }
}

impl Plan {
    /// Velocity that the shape of the song adds at a bar, for a role.
    pub fn swell(&self, brief: &Brief<'_>, bar: &Bar, role: Role) -> f64 {
        let section = self.section(bar);
        let last_full = self.sections.iter().rposition(|section| section.kind == SectionKind::FullA);
        let own = force(section.kind, last_full == Some(bar.section));
        let through = f64::from(bar.start) / f64::from(self.end.max(1));
        let weight = if role == Role::Melody { 0.7 } else { 1.0 };
        let crescendo = brief.spec.crescendo * 70.0 * (through - 0.6);
        weight * (18.0 * (own - 0.55) + 22.0 * (brief.energy - 0.5)) + crescendo
    }
}
