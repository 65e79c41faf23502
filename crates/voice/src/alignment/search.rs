//! The likeliest times of known sounds in a recording: a search over all ways to divide it among them, with pauses
//! between words, by dynamic programming.
//!
//! A sound passes through its states at an even pace, whatever its length, and its length has a cost of its own (hidden
//! semi-Markov model; S. Levinson, "Continuously variable duration hidden Markov models for automatic speech
//! recognition", Computer Speech & Language 1(1), 1986).

use std::ops::Range;

/// Parts of a sound that are told apart: how it begins, is held, and ends.
pub const STATES: usize = 3;
/// Cost of a length that is e times the expected one, or the e-th part.
const LENGTH_COST: f64 = 7.0;
/// No sound of speech takes longer, in seconds.
const LONGEST_SECONDS: f64 = 0.5;
/// Cost of pausing at all; a pause takes at least the next.
const PAUSE_COST: f64 = 4.0;
const LEAST_PAUSE_SECONDS: f64 = 0.03;

/// A sound to be found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// Expected length in seconds.
    pub seconds: f64,
    /// What may come after it.
    pub after: After,
}

/// What may stand between a sound and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Nothing: the word goes on.
    Nothing,
    /// Silence.
    Silence,
    /// Silence, or anything that is no speech of ours.
    Anything,
}

/// What it costs to hear something at a frame.
pub trait Costs {
    /// Frames of the recording.
    fn frames(&self) -> usize;
    /// Seconds of one frame.
    fn frame_seconds(&self) -> f64;
    /// That a frame belongs to a state of a sound.
    fn sound(&self, sound: usize, state: usize, frame: usize) -> f64;
    /// That nobody speaks.
    fn silence(&self, frame: usize) -> f64;
    /// That something sounds which was not asked for.
    fn other(&self, frame: usize) -> f64;
}

/// A sound's costs once the sounds before it are placed.
struct Step {
    window: Range<usize>,
    /// Length of the sound for each end in the window, 0 where it cannot end.
    lengths: Vec<u16>,
    /// For each frame from the window's start on where the next sound may begin: where this one ended.
    ends: Vec<u32>,
}

/// The frames of each sound. `windows` are the frames between which each must lie; `None` when there is no way.
pub fn search(wanted: &[Wanted], windows: &[Range<usize>], costs: &impl Costs) -> Option<Vec<Range<usize>>> {
    let frames = costs.frames();
    let silence = sums(frames, |frame| costs.silence(frame));
    let anything = sums(frames, |frame| costs.silence(frame).min(costs.other(frame)));
    let mut steps: Vec<Step> = Vec::with_capacity(wanted.len());
    // What it costs that the next sound begins at a frame, from `first` on.
    let mut first = 0;
    let mut begin: Vec<f64> = anything.clone();
    let mut ended: Vec<f64> = Vec::new();
    for (index, sound) in wanted.iter().enumerate() {
        let window = windows.get(index)?.start.min(frames)..windows.get(index)?.end.min(frames);
        let lengths;
        (ended, lengths) = place(index, sound, &window, first, &begin, costs);
        let until = windows.get(index + 1).map_or(window.end, |next| next.end.min(frames)).max(window.end);
        let pauses = match sound.after {
            After::Nothing => None,
            After::Silence => Some(&silence),
            After::Anything => Some(&anything),
        };
        let ends;
        (begin, ends) = pause(&ended, &window, until, pauses.map(Vec::as_slice), costs.frame_seconds());
        first = window.start;
        steps.push(Step { window, lengths, ends });
    }
    let last = steps.last()?;
    let whole = |offset: &usize| ended[*offset] + anything[frames] - anything[last.window.start + offset];
    let best = (0..ended.len()).min_by(|a, b| whole(a).total_cmp(&whole(b)))?;
    whole(&best).is_finite().then(|| trace(&steps, last.window.start + best))
}

/// Cost of each end of a sound in its window, with the length that leads there.
fn place(
    index: usize,
    sound: &Wanted,
    window: &Range<usize>,
    first: usize,
    begin: &[f64],
    costs: &impl Costs,
) -> (Vec<f64>, Vec<u16>) {
    let seconds = costs.frame_seconds();
    let most = ((LONGEST_SECONDS.min((4.0 * sound.seconds).max(0.25)) / seconds) as usize).max(1);
    let least = if seconds < 0.01 { STATES } else { 1 };
    let lengths: Vec<f64> =
        (0..=most).map(|n| LENGTH_COST * (n.max(1) as f64 * seconds / sound.seconds.max(0.01)).ln().powi(2)).collect();
    let state = |state| sums(window.len(), |at| costs.sound(index, state, window.start + at));
    let [a, b, c] = [0, 1, 2].map(state);
    let mut ended = vec![f64::INFINITY; window.len() + 1];
    let mut chosen = vec![0u16; window.len() + 1];
    for start in 0..window.len() {
        let Some(before) = (window.start + start).checked_sub(first).and_then(|at| begin.get(at)) else { continue };
        if !before.is_finite() {
            continue;
        }
        let longest = most.min(window.len() - start);
        for (length, paced) in lengths.iter().enumerate().take(longest + 1).skip(least) {
            let (one, two, end) = (start + (length + 1) / 3, start + (2 * length + 1) / 3, start + length);
            let own = a[one] - a[start] + b[two] - b[one] + c[end] - c[two];
            let cost = before + own + paced;
            if cost < ended[end] {
                ended[end] = cost;
                chosen[end] = length as u16;
            }
        }
    }
    (ended, chosen)
}

/// Cost of each frame, from the window's start on, at which the next sound may begin, and where this one then ended.
fn pause(
    ended: &[f64],
    window: &Range<usize>,
    until: usize,
    pauses: Option<&[f64]>,
    frame_seconds: f64,
) -> (Vec<f64>, Vec<u32>) {
    let count = until - window.start + 1;
    let mut begin = vec![f64::INFINITY; count];
    let mut from = vec![0u32; count];
    let least = ((LEAST_PAUSE_SECONDS / frame_seconds).round() as usize).max(1);
    let (mut pausing, mut since) = (f64::INFINITY, 0);
    for at in 0..count {
        if let Some(&direct) = ended.get(at) {
            begin[at] = direct;
            from[at] = (window.start + at) as u32;
        }
        let Some(sums) = pauses else { continue };
        let frame = window.start + at;
        if at > 0 {
            pausing += sums[frame] - sums[frame - 1];
        }
        let opened = at.checked_sub(least).and_then(|end| Some((end, ended.get(end)?)));
        if let Some((end, cost)) = opened {
            let cost = cost + PAUSE_COST + sums[frame] - sums[window.start + end];
            if cost < pausing {
                (pausing, since) = (cost, window.start + end);
            }
        }
        if pausing < begin[at] {
            begin[at] = pausing;
            from[at] = since as u32;
        }
    }
    (begin, from)
}

fn trace(steps: &[Step], mut end: usize) -> Vec<Range<usize>> {
    let mut found = vec![0..0; steps.len()];
    for (index, step) in steps.iter().enumerate().rev() {
        let start = end - usize::from(step.lengths[end - step.window.start]);
        found[index] = start..end;
        if let Some(before) = index.checked_sub(1).map(|before| &steps[before]) {
            end = before.ends[start - before.window.start] as usize;
        }
    }
    found
}

/// Sums of the first n costs, from none to all.
fn sums(count: usize, cost: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut sums = Vec::with_capacity(count + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for at in 0..count {
        sum += cost(at);
        sums.push(sum);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recording in which each frame says which sound and state it is; `-` silence, `?` something else.
    struct Written(Vec<(char, usize)>);

    impl Costs for Written {
        fn frames(&self) -> usize {
            self.0.len()
        }

        fn frame_seconds(&self) -> f64 {
            0.005
        }

        fn sound(&self, sound: usize, state: usize, frame: usize) -> f64 {
            let (letter, own) = self.0[frame];
            if letter as usize != 'a' as usize + sound { 3.0 } else { 0.5 * own.abs_diff(state) as f64 }
        }

        fn silence(&self, frame: usize) -> f64 {
            if self.0[frame].0 == '-' { 0.0 } else { 3.0 }
        }

        fn other(&self, _frame: usize) -> f64 {
            1.5
        }
    }

    /// Letters with how many frames each lasts.
    fn written(script: &[(char, usize)]) -> Written {
        Written(
            script.iter().flat_map(|(letter, count)| (0..*count).map(move |at| (*letter, 3 * at / count))).collect(),
        )
    }

    fn check(script: &[(char, usize)], after: After, expected: Option<&[Range<usize>]>) {
        let sounds = 3;
        let wanted = vec![Wanted { seconds: 0.08, after }; sounds];
        let costs = written(script);
        let windows = vec![0..costs.frames(); sounds];
        assert_eq!(search(&wanted, &windows, &costs).as_deref(), expected, "{script:?}");
    }

    #[test]
    fn sounds_are_found_with_silence_and_noise_around_and_between() {
        check(&[('a', 15), ('b', 20), ('c', 9)], After::Nothing, Some(&[0..15, 15..35, 35..44]));
        check(
            &[('-', 40), ('a', 15), ('b', 30), ('-', 12), ('c', 9), ('-', 70)],
            After::Silence,
            Some(&[40..55, 55..85, 97..106]),
        );
        check(
            &[('?', 50), ('a', 15), ('?', 44), ('b', 30), ('c', 12), ('?', 90)],
            After::Anything,
            Some(&[50..65, 109..139, 139..151]),
        );
    }

    #[test]
    fn what_does_not_fit_has_no_place() {
        check(&[('a', 3), ('b', 3)], After::Nothing, None);
        check(&[], After::Silence, None);
        let costs = written(&[('a', 20), ('b', 20)]);
        let wanted = [Wanted { seconds: 0.1, after: After::Nothing }; 2];
        assert_eq!(search(&wanted, &[0..20, 30..40], &costs), None, "windows that do not meet");
        assert_eq!(search(&wanted, &[0..25, 15..40], &costs), Some(vec![0..20, 20..40]));
        assert_eq!(search(&[], &[], &costs), None);
    }
}
