//! Styles in bars that are not their own, for melodies that are: patterns in four are played in three, or in beats of three.

use std::{collections::BTreeMap, sync::LazyLock};

use music::Meter;

use super::{Lanes, Line, Slot, Spec, SwingUnit};
use crate::{error::ComposeError, style::Style};

type Specs = LazyLock<Vec<Result<Spec, ComposeError>>>;

impl Spec {
    /// A style in 3/4. Patterns in four lose their third beat, so that one strong beat is followed by two others; fills, which
    /// end a bar, lose their first.
    ///
    /// # Errors
    ///
    /// As [`Spec::of`].
    pub fn in_three(style: Style) -> Result<&'static Self, ComposeError> {
        static SPECS: Specs = LazyLock::new(|| fitted(three));
        found(&SPECS, style)
    }

    /// A style whose beats are three eighths: its pairs of eighths become a long and a short one.
    ///
    /// # Errors
    ///
    /// As [`Spec::of`].
    pub fn compound(style: Style) -> Result<&'static Self, ComposeError> {
        static SPECS: Specs = LazyLock::new(|| fitted(compound));
        found(&SPECS, style)
    }
}

fn fitted(fit: fn(Spec) -> Spec) -> Vec<Result<Spec, ComposeError>> {
    Style::ALL.into_iter().map(|style| Spec::of(style).cloned().map(fit)).collect()
}

fn found(specs: &'static Specs, style: Style) -> Result<&'static Spec, ComposeError> {
    match specs.get(style.index()) {
        Some(spec) => spec.as_ref().map_err(Clone::clone),
        None => Spec::of(style),
    }
}

fn compound(spec: Spec) -> Spec {
    match spec.steps_per_beat {
        3 => spec,
        _ => Spec { swing: 2.0, swing_unit: SwingUnit::Eighths, ..spec },
    }
}

fn three(mut spec: Spec) -> Spec {
    if spec.meter == Meter::ThreeFour {
        return spec;
    }
    let beat = spec.steps_per_beat as usize;
    let cut = |slot: Slot| if slot == Slot::Fill { 0 } else { 2 * beat };
    let lines = |of: &mut BTreeMap<Slot, Vec<Line>>| {
        for (slot, lines) in of.iter_mut() {
            lines.iter_mut().for_each(|line| line.0 = without_beat(&line.0, beat, cut(*slot)));
        }
    };
    lines(&mut spec.bass);
    lines(&mut spec.comping);
    lines(&mut spec.pad);
    for (slot, variants) in &mut spec.drums {
        for Lanes(lanes) in variants {
            lanes.iter_mut().for_each(|(_, hits)| *hits = without_beat(hits, beat, cut(*slot)));
        }
    }
    for line in spec.rhythms.iter_mut().chain(&mut spec.closes) {
        line.0 = without_beat(&line.0, beat, cut(Slot::A));
    }
    Spec { meter: Meter::ThreeFour, ..spec }
}

/// Steps of whole bars of four beats without those of the beat that begins at `cut` in each bar.
fn without_beat<T: Copy>(steps: &[T], beat: usize, cut: usize) -> Vec<T> {
    let bars = steps.chunks(4 * beat);
    bars.flat_map(|bar| bar.iter().enumerate().filter(|(at, _)| !(cut..cut + beat).contains(at)).map(|(_, step)| *step))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_has_bars_of_three() {
        for style in Style::ALL {
            let spec = Spec::in_three(style).unwrap();
            assert_eq!(spec.meter, Meter::ThreeFour);
            let bar = spec.steps_per_bar() as usize;
            let lines = spec.bass.values().chain(spec.comping.values()).chain(spec.pad.values()).flatten();
            for line in lines {
                assert!(line.0.len().is_multiple_of(bar), "{style}: {} steps", line.0.len());
            }
            for (_, hits) in spec.drums.values().flatten().flat_map(|lanes| &lanes.0) {
                assert!(hits.len().is_multiple_of(bar), "{style}: {} hits", hits.len());
            }
            assert_eq!(Spec::compound(style).unwrap().meter, Spec::of(style).unwrap().meter);
        }
    }

    #[test]
    fn the_third_beat_goes() {
        assert_eq!(
            without_beat(&[1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8], 2, 4),
            [1, 1, 2, 2, 4, 4, 5, 5, 6, 6, 8, 8]
        );
    }
}
