//! The song's time: so many bars of intro, the bars that are sung, so many after them; and the melody on it.

use music::{Melody, Note, PitchTrack, Rhythm};

use super::{beats::SungBeats, choose::Choice};
use crate::{
    clock::Clock,
    role::TICKS_PER_QUARTER,
    spec::{Spec, SwingUnit},
};

/// Where everything is. Ticks are the band's, from the start of the song.
#[derive(Clone, Debug)]
pub struct Timeline {
    beats: SungBeats,
    /// The sung quarter on which the first bar of the melody begins.
    body_start: i64,
    /// Ticks of a sung quarter: the band may count twice as fast, half as fast, or in dotted quarters.
    ticks_per_quarter: u32,
    pub bar_ticks: u32,
    pub intro_bars: u32,
    /// Bars of the band that are sung over.
    pub body_bars: u32,
    /// Bars between the last of those and the last chord.
    pub tag_bars: u32,
    pub clock: Clock,
    /// The pair of notes of which the first is longer in this style, in ticks, and where the second begins in it.
    swing: Option<(f64, f64)>,
}

/// Onsets this far before a bar line belong behind it, in quarters.
const BEFORE_BAR_QUARTERS: f64 = 0.25;
/// Onsets this far from a beat are meant to be on it: a sixteenth is 0.25.
const NEAR_BEAT_QUARTERS: f64 = 0.18;
/// And are sung at most this far from it.
const MOST_STRAY_SECONDS: f64 = 0.003;
/// Where the second of a pair of notes is sung, as a share of the pair: straight, swung, or about that.
const OFF_BEAT: std::ops::Range<f64> = 0.4..0.72;
/// Ratios up to this are hardly heard as swing.
const HARDLY_SWUNG: f64 = 1.1;
/// The intro is about this share of what is sung, within these seconds.
const INTRO_SHARE: f64 = 0.3;
const INTRO_SECONDS: (f64, f64) = (2.2, 9.5);
/// Bars after the last that is sung: at least these seconds.
const TAG_SECONDS: f64 = 2.6;

impl Timeline {
    /// `sung` is when the melody begins and ends in its recording, in seconds.
    pub fn new(beats: SungBeats, sung: (f64, f64), choice: &Choice, spec: &Spec) -> Self {
        let bar_ticks = spec.meter.quarters_per_bar() * TICKS_PER_QUARTER;
        let ticks_per_quarter = choice.ticks_per_quarter;
        let quarters_per_bar = beats.quarters_per_bar();
        let begins = beats.quarters_at(sung.0);
        let first_bar = beats.bar_at(begins + BEFORE_BAR_QUARTERS);
        // What begins in the second half of a bar is a pickup, and is sung over the end of the intro.
        let is_pickup = begins - first_bar as f64 >= quarters_per_bar as f64 / 2.0 - BEFORE_BAR_QUARTERS;
        let body_start = first_bar + if is_pickup { quarters_per_bar } else { 0 };
        let quarters = (beats.quarters_at(sung.1) - body_start as f64 - BEFORE_BAR_QUARTERS).max(0.5);
        let body_bars = (quarters * f64::from(ticks_per_quarter) / f64::from(bar_ticks)).ceil().max(1.0) as u32;
        let bpm = beats.bpm() * f64::from(ticks_per_quarter) / f64::from(TICKS_PER_QUARTER);
        let bar_seconds = f64::from(bar_ticks / TICKS_PER_QUARTER) * 60.0 / bpm;
        let mut timeline = Self {
            beats,
            body_start,
            ticks_per_quarter,
            bar_ticks,
            intro_bars: intro_bars(bar_seconds, f64::from(body_bars) * bar_seconds),
            body_bars,
            tag_bars: if bar_seconds >= TAG_SECONDS {
                1
            } else if 2.0 * bar_seconds >= TAG_SECONDS {
                2
            } else {
                4
            },
            clock: Clock::steady(bpm),
            swing: swing(choice, spec),
        };
        if !timeline.beats.is_even {
            timeline.clock = timeline.following(begins);
        }
        timeline
    }

    /// The tempo map of a band that follows: the singer's own quarters from the pickup on, the tempo that they begin with
    /// before it, and the one that they end with after the last bar.
    fn following(&self, begins: f64) -> Clock {
        let per_quarter = self.ticks_per_quarter;
        let bpm = |seconds: f64| 60.0 / seconds * f64::from(per_quarter) / f64::from(TICKS_PER_QUARTER);
        let pickup = (self.body_start as f64 - begins).ceil().max(0.0) as u32;
        let pickup = pickup.min(self.intro_bars * self.bar_ticks / per_quarter);
        let quarters = (self.body_bars * self.bar_ticks).div_ceil(per_quarter);
        let from = self.body_start - i64::from(pickup);
        let to = self.body_start + i64::from(quarters);
        const AROUND: i64 = 8;
        let mean = |from: i64, to: i64| {
            (self.beats.seconds_at(to as f64) - self.beats.seconds_at(from as f64)) / (to - from).max(1) as f64
        };
        let before = mean(from, (from + AROUND).min(to));
        let after = mean((to - AROUND).max(from), to);
        let intro = self.intro_bars * self.bar_ticks - pickup * per_quarter;
        let sung = (from..to).map(|quarter| (per_quarter, bpm(self.beats.length_of(quarter))));
        Clock::of(std::iter::once((intro, bpm(before))).chain(sung).chain([(self.bar_ticks, bpm(after))]))
    }

    /// The band's middle tempo, its quarters per minute.
    pub fn bpm(&self) -> f64 {
        self.beats.bpm() * f64::from(self.ticks_per_quarter) / f64::from(TICKS_PER_QUARTER)
    }

    /// The tick at which the melody's first bar begins.
    pub const fn body_tick(&self) -> u32 {
        self.intro_bars * self.bar_ticks
    }

    /// The tick after the melody's last bar.
    pub const fn body_end_tick(&self) -> u32 {
        (self.intro_bars + self.body_bars) * self.bar_ticks
    }

    /// A moment of the recording, in ticks of the song.
    fn tick_of(&self, recorded_seconds: f64) -> f64 {
        let quarters = self.beats.quarters_at(recorded_seconds) - self.body_start as f64;
        f64::from(self.body_tick()) + quarters * f64::from(self.ticks_per_quarter)
    }

    /// The melody in the song's time. What is meant to be on a beat is brought close to it, and the rest keeps its place
    /// between the beats.
    pub fn tune(&self, sung: &Melody) -> Melody {
        let anchors = self.anchors(&sung.notes);
        let moved = |note: &Note| {
            let (onset, end) = (at(&anchors, note.onset_seconds), at(&anchors, note.end_seconds()));
            Note { onset_seconds: onset.max(0.0), duration_seconds: (end - onset.max(0.0)).max(0.01), ..*note }
        };
        let quarters = (self.body_end_tick() + self.tag_bars * self.bar_ticks) / self.ticks_per_quarter;
        let before = self.body_tick() / self.ticks_per_quarter;
        let moment = |quarter: u32| {
            let tick = f64::from(self.body_tick())
                + (f64::from(quarter) - f64::from(before)) * f64::from(self.ticks_per_quarter);
            self.clock.seconds(tick)
        };
        let rhythm = Rhythm {
            beats_seconds: (0..=quarters).map(moment).collect(),
            downbeat: before as usize % self.beats.quarters_per_bar() as usize,
            ..sung.rhythm.clone()
        };
        let last = sung.notes.last().map_or(0.0, |note| at(&anchors, note.end_seconds()));
        Melody {
            duration_seconds: last.max(self.clock.seconds(f64::from(self.body_end_tick()))),
            track: self.track(&sung.track, &anchors),
            notes: sung.notes.iter().map(moved).collect(),
            uncorrected: sung.uncorrected.as_ref().map(|notes| notes.iter().map(moved).collect()),
            rhythm,
            tempo_bpm: if self.beats.is_even { self.beats.bpm() } else { sung.tempo_bpm },
            ..sung.clone()
        }
    }

    /// Moments of the recording and of the song that belong together, rising in both.
    fn anchors(&self, notes: &[Note]) -> Vec<(f64, f64)> {
        let mut anchors: Vec<(f64, f64)> = Vec::with_capacity(notes.len() + 1);
        let mut push = |recorded: f64, song: f64| match anchors.last() {
            Some((before, after)) if recorded - before < 0.01 || song - after < 0.01 => {}
            _ => anchors.push((recorded, song)),
        };
        for note in notes {
            push(note.onset_seconds, self.placed(note.onset_seconds));
        }
        if let Some(last) = notes.last() {
            push(last.end_seconds(), self.clock.seconds(self.tick_of(last.end_seconds())));
        }
        anchors
    }

    /// Where an onset is sung.
    fn placed(&self, recorded_seconds: f64) -> f64 {
        let tick = self.tick_of(recorded_seconds);
        // Where the band counts in eighths of the singer, those are beats as well.
        let unit = f64::from(self.ticks_per_quarter.min(TICKS_PER_QUARTER));
        let unit = if self.ticks_per_quarter == super::choose::TICKS_OF_COMPOUND { unit / 2.0 } else { unit };
        let beat = (tick / unit).round() * unit;
        let here = self.clock.seconds(tick);
        let away = (tick - beat).abs() / f64::from(self.ticks_per_quarter);
        if let Some((pair, second)) = self.swing
            && OFF_BEAT.contains(&(tick / pair).fract())
        {
            // With a band that swings the second of a pair is sung when the band plays it.
            return self.clock.seconds((tick / pair).floor() * pair + second);
        }
        if away > NEAR_BEAT_QUARTERS {
            return here;
        }
        let on = self.clock.seconds(beat);
        here.clamp(on - MOST_STRAY_SECONDS, on + MOST_STRAY_SECONDS)
    }

    /// The F0 contour in the song's time: silent where nothing was recorded.
    fn track(&self, track: &PitchTrack, anchors: &[(f64, f64)]) -> PitchTrack {
        let Some(end) = anchors.last().map(|(_, song)| song + 0.5) else { return track.clone() };
        let hop = track.hop_seconds;
        let frames = if hop > 0.0 { (end / hop) as usize } else { 0 };
        let silent = music::PitchFrame { hz: 0.0, confidence: 0.0, voiced: false };
        let back: Vec<(f64, f64)> = anchors.iter().map(|(recorded, song)| (*song, *recorded)).collect();
        let frame = |index: usize| track.at(at(&back, index as f64 * hop)).copied().unwrap_or(silent);
        PitchTrack { hop_seconds: hop, frames: (0..frames).map(frame).collect() }
    }
}

/// A moment on the other side, along straight lines between the anchors, and at the same pace outside of them.
fn at(anchors: &[(f64, f64)], moment: f64) -> f64 {
    let after = anchors.partition_point(|(from, _)| *from <= moment);
    match (after.checked_sub(1).and_then(|before| anchors.get(before)), anchors.get(after)) {
        (Some(a), Some(b)) => a.1 + (moment - a.0) * (b.1 - a.1) / (b.0 - a.0),
        (Some(a), None) => a.1 + moment - a.0,
        (None, Some(b)) => b.1 + moment - b.0,
        (None, None) => moment,
    }
}

/// The pairs that a style swings, where the singer's beats are divided as the band's are.
fn swing(choice: &Choice, spec: &Spec) -> Option<(f64, f64)> {
    let ratio = if spec.steps_per_beat == 3 { 2.0 } else { spec.swing };
    if ratio <= HARDLY_SWUNG || choice.ticks_per_quarter == super::choose::TICKS_OF_COMPOUND {
        return None;
    }
    let pair = match spec.swing_unit {
        _ if spec.steps_per_beat == 3 => TICKS_PER_QUARTER,
        SwingUnit::Eighths => TICKS_PER_QUARTER,
        SwingUnit::Sixteenths => TICKS_PER_QUARTER / 2,
    };
    let pair = f64::from(pair);
    Some((pair, pair * ratio / (1.0 + ratio)))
}

/// Four bars, two or one: the most that are no longer than an intro may be.
fn intro_bars(bar_seconds: f64, body_seconds: f64) -> u32 {
    let most = (INTRO_SHARE * body_seconds).clamp(INTRO_SECONDS.0, INTRO_SECONDS.1);
    let fits = |bars: &u32| f64::from(*bars) * bar_seconds <= most + 0.01;
    [8, 4, 2].into_iter().filter(|bars| *bars < 8 || bar_seconds < 1.2).find(fits).unwrap_or(1)
}
