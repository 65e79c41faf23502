//! How many beats, at which tempo, with how long a last chord make exactly the length that is asked for.
//!
//! Seconds = beats · 60 / bpm + hold. A tempo that was asked for is never changed: then beats of a pickup and the hold of the last
//! chord make up the difference. A free tempo may be moved by [`MOST_NUDGE`], so that the song is whole bars.

/// How far a free tempo may be moved, as the logarithm of the ratio: 5.5 %.
const MOST_NUDGE: f64 = 0.0535;
/// Shorter songs may begin with a pickup also at a free tempo.
const SHORT_SECONDS: f64 = 20.0;
/// Most of a song that its last chord may take where there is a choice.
const MOST_HOLD_SHARE: f64 = 0.45;

/// What is to be met.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub seconds: f64,
    pub beats_per_bar: u32,
    /// The tempo that is preferred, and whether it is kept exactly.
    pub bpm: f64,
    pub is_locked: bool,
    /// Slowest and fastest of a free tempo.
    pub range_bpm: (f64, f64),
    /// Shortest and longest last chord, its fading included.
    pub hold_seconds: (f64, f64),
}

/// How it is met.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Length {
    pub bpm: f64,
    /// Quarters before the last chord.
    pub beats: u32,
    /// What is left for the last chord.
    pub hold_seconds: f64,
}

impl Length {
    pub const fn pickup_beats(&self, beats_per_bar: u32) -> u32 {
        self.beats % beats_per_bar
    }

    pub const fn bars(&self, beats_per_bar: u32) -> u32 {
        self.beats / beats_per_bar
    }
}

/// Plans a length. `misfit` says how badly a number of whole bars divides into sections, from 0 (well) up to about 0.05, in the
/// unit of the tempo's logarithm.
pub fn plan(wanted: &Wanted, misfit: impl Fn(u32) -> f64) -> Length {
    let shortest = wanted.hold_seconds.0.min(MOST_HOLD_SHARE * wanted.seconds);
    let longest = wanted.hold_seconds.1.max(shortest);
    if wanted.is_locked {
        return locked(wanted, (shortest, longest));
    }
    let most_beats = ((wanted.seconds - shortest) * wanted.range_bpm.1 / 60.0).floor().max(0.0) as u32;
    let step = if wanted.seconds < SHORT_SECONDS { 1 } else { wanted.beats_per_bar };
    let mut best: Option<(f64, Length)> = None;
    for beats in (0..=most_beats).step_by(step as usize).skip(1) {
        let hold_seconds = (wanted.seconds - f64::from(beats) * 60.0 / wanted.bpm).clamp(shortest, longest);
        let bpm = f64::from(beats) * 60.0 / (wanted.seconds - hold_seconds);
        let nudge = (bpm / wanted.bpm).ln().abs();
        if nudge > MOST_NUDGE || !(wanted.range_bpm.0..=wanted.range_bpm.1).contains(&bpm) {
            continue;
        }
        // A pickup is worth a percent or so of tempo.
        let pickup = if beats.is_multiple_of(wanted.beats_per_bar) { 0.0 } else { 0.015 };
        let middle = (hold_seconds - (shortest + longest) / 2.0).abs() / wanted.seconds;
        let cost = nudge + pickup + misfit(beats / wanted.beats_per_bar) + 0.1 * middle;
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, Length { bpm, beats, hold_seconds }));
        }
    }
    // Where no tempo near enough gives whole bars, the preferred one is met with a pickup.
    best.map_or_else(|| locked(wanted, (shortest, longest)), |(_, length)| length)
}

/// Without moving the tempo: whole bars if the last chord can make up for the rest, else a pickup.
fn locked(wanted: &Wanted, (shortest, longest): (f64, f64)) -> Length {
    let beat = 60.0 / wanted.bpm;
    let most_beats = ((wanted.seconds - shortest) / beat + 1e-9).floor().max(0.0) as u32;
    let of = |beats: u32| Length { bpm: wanted.bpm, beats, hold_seconds: wanted.seconds - f64::from(beats) * beat };
    let whole = (0..wanted.beats_per_bar)
        .filter_map(|less| most_beats.checked_sub(less))
        .filter(|beats| beats.is_multiple_of(wanted.beats_per_bar) && *beats > 0)
        .map(of)
        .find(|length| length.hold_seconds <= longest);
    // Among lengths with a pickup the longest last chord is one beat above the shortest.
    whole.unwrap_or_else(|| of(most_beats))
}
