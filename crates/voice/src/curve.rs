//! A quantity over time: points joined by smooth steps, so that nothing ever jumps.

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    points: Vec<(f64, f64)>,
}

/// The least time between two points: a step takes at least this long.
const LEAST_SECONDS: f64 = 0.001;

impl Curve {
    /// Adds a point. Points must come in order; one that is too early is moved to just after the last.
    pub fn point(&mut self, seconds: f64, value: f64) {
        debug_assert!(seconds.is_finite() && value.is_finite());
        let seconds = self.points.last().map_or(seconds, |last| seconds.max(last.0 + LEAST_SECONDS));
        self.points.push((seconds, value));
    }

    /// Adds the point that keeps the last value until `seconds`.
    pub fn hold_until(&mut self, seconds: f64) {
        if let Some(&(at, value)) = self.points.last()
            && seconds > at + LEAST_SECONDS
        {
            self.points.push((seconds, value));
        }
    }

    pub fn reader(&self) -> CurveReader<'_> {
        CurveReader { points: &self.points, next: 0 }
    }
}

/// Reads a curve at moments that only go forward.
#[derive(Debug, Clone)]
pub struct CurveReader<'a> {
    points: &'a [(f64, f64)],
    next: usize,
}

impl CurveReader<'_> {
    /// The value at a moment; the ends continue level. 0 for a curve without points.
    pub fn at(&mut self, seconds: f64) -> f64 {
        while self.next < self.points.len() && self.points[self.next].0 <= seconds {
            self.next += 1;
        }
        match (self.next.checked_sub(1).map(|i| self.points[i]), self.points.get(self.next)) {
            (None, None) => 0.0,
            (Some((_, value)), None) => value,
            (None, Some(&(_, value))) => value,
            (Some((t0, v0)), Some(&(t1, v1))) => v0 + (v1 - v0) * smooth_step((seconds - t0) / (t1 - t0)),
        }
    }
}

/// 0 to 1 with level ends: 3x² − 2x³.
pub fn smooth_step(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_through_its_points_and_is_level_outside() {
        let mut curve = Curve::default();
        curve.point(1.0, 2.0);
        curve.point(2.0, 4.0);
        curve.point(1.5, 8.0);
        let mut reader = curve.reader();
        assert_eq!(reader.at(0.0), 2.0);
        assert_eq!(reader.at(1.5), 3.0);
        assert_eq!(reader.at(9.0), 8.0);
        assert_eq!(Curve::default().reader().at(1.0), 0.0);
    }
}
