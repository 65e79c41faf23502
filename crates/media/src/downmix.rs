//! One channel from several, without losing what the channels say against each other.
//!
//! A plain sum is right when all channels hear the same at the same time. It is wrong when one of them hears it upside down
//! (a cable with crossed wires: the sum is silence) or later (a second microphone further away: the sum is a comb, in which
//! the fundamental of some notes is missing), and it halves a voice whose second channel is dead. So each channel is held
//! against the loudest one: silent ones and those that say the same thing displaced are left out, the others are summed
//! with equal weights. Sounds that have nothing to do with each other do not cancel, so they are summed as well.
//!
//! Works on blocks with a memory of about a second and nothing more, so the length of the sound does not matter. Weights
//! move over a block, never at once. Channels that are alike come out as they went in, bit for bit.

/// Length of a block in seconds: the time that a change of weights takes.
const BLOCK_SECONDS: f64 = 0.05;
/// Channels are compared at about this rate: enough for the highest whistle, and no more work for more.
const COMPARED_RATE_HZ: u32 = 16_000;
/// How much earlier or later a channel may hear the same: the longest path between two microphones of one device, and of
/// a periodic sound also any longer one, since half a period of 62 Hz is this long.
const MAX_LAG_SECONDS: f64 = 0.008;
/// Blocks fade from the memory of what the channels have in common with this time constant.
const MEMORY_SECONDS: f64 = 1.0;
/// And from that of how loud they are, so that a channel that fails is noticed soon.
const LEVEL_MEMORY_SECONDS: f64 = 0.2;
/// Below this part of the loudest channel's energy (−30 dB) a channel is silent; it sounds again above twice that.
const SILENT: f64 = 1e-3;
/// So much louder (3 dB) another channel must be to become the one that the others are held against.
const LOUDER: f64 = 2.0;
/// From this correlation on a sum loses nothing worth looking for.
const ALIKE: f64 = 0.98;
/// From this correlation on, at whatever lag and sign, two channels hold the same sound. Once they do, a little less keeps
/// it so.
const SAME_SOUND: [f64; 2] = [0.6, 0.5];
/// It is displaced when the best lag is better than none by this much.
const DISPLACED: [f64; 2] = [0.05, 0.02];
/// Blocks with less than this part of the remembered energy (−40 dB) are pauses and not worth comparing.
const PAUSE: f64 = 1e-4;

/// Mixes interleaved samples of a fixed number of channels to one.
pub(crate) struct Downmix {
    channels: usize,
    /// The channel for low effects in surround sound, which is heard only where nothing else is.
    low_effects: Option<usize>,
    block_frames: usize,
    /// Less than a block.
    pending: Vec<f32>,
    listeners: Vec<Listener>,
    reference: usize,
    pairs: Vec<Pair>,
    /// Of each channel at the end of the block before.
    weights: Option<Vec<f32>>,
    fading: f64,
    level_fading: f64,
}

impl Downmix {
    /// For samples that are all finite.
    pub(crate) fn new(channels: usize, low_effects: Option<usize>, rate_hz: u32) -> Self {
        let step = (rate_hz / COMPARED_RATE_HZ).max(1) as usize;
        let compared_rate = f64::from(rate_hz) / step as f64;
        let segment = ((BLOCK_SECONDS * compared_rate) as usize).max(1);
        let lag = (MAX_LAG_SECONDS * compared_rate) as usize;
        let fading = |seconds: f64| (-BLOCK_SECONDS / seconds).exp();
        Self {
            channels,
            low_effects: low_effects.filter(|&low| low < channels && channels > 1),
            block_frames: segment * step,
            pending: Vec::new(),
            listeners: vec![Listener::new(step, segment, lag, compared_rate); channels],
            reference: 0,
            pairs: vec![Pair::new(lag); channels],
            weights: None,
            fading: fading(MEMORY_SECONDS),
            level_fading: fading(LEVEL_MEMORY_SECONDS),
        }
    }

    /// Takes whole frames and appends what is done.
    pub(crate) fn push(&mut self, samples: &[f32], mono: &mut Vec<f32>) {
        self.pending.extend_from_slice(samples);
        let block = self.block_frames * self.channels;
        let pending = std::mem::take(&mut self.pending);
        let mut blocks = pending.chunks_exact(block);
        blocks.by_ref().for_each(|block| self.mix(block, mono));
        self.pending = blocks.remainder().to_vec();
    }

    /// Appends the rest.
    pub(crate) fn finish(&mut self, mono: &mut Vec<f32>) {
        let rest = std::mem::take(&mut self.pending);
        if !rest.is_empty() {
            self.mix(&rest, mono);
        }
    }

    fn mix(&mut self, block: &[f32], mono: &mut Vec<f32>) {
        let target = self.weigh(block);
        let from = self.weights.get_or_insert_with(|| target.clone());
        let frames = block.len() / self.channels;
        if *from == target {
            mono.extend(block.chunks_exact(self.channels).map(|frame| dot(frame, &target)));
        } else {
            let mut weights = target.clone();
            for (i, frame) in block.chunks_exact(self.channels).enumerate() {
                let share = (i + 1) as f32 / frames as f32;
                for (weight, (from, to)) in weights.iter_mut().zip(from.iter().zip(&target)) {
                    *weight = from + (to - from) * share;
                }
                mono.push(dot(frame, &weights));
            }
        }
        self.weights = Some(target);
    }

    /// What each channel is to be heard with at the end of this block.
    fn weigh(&mut self, block: &[f32]) -> Vec<f32> {
        for (channel, listener) in self.listeners.iter_mut().enumerate() {
            listener.hear(block.iter().skip(channel).step_by(self.channels), self.level_fading);
        }
        self.refer();
        let reference = &self.listeners[self.reference];
        let mut heard = vec![true; self.channels];
        for (channel, (pair, listener)) in self.pairs.iter_mut().zip(&self.listeners).enumerate() {
            if channel != self.reference {
                pair.compare(reference, listener, self.fading);
                heard[channel] = pair.is_heard(reference, listener) && Some(channel) != self.low_effects;
            }
        }
        let weight = 1.0 / heard.iter().filter(|&&heard| heard).count() as f32;
        heard.into_iter().map(|heard| if heard { weight } else { 0.0 }).collect()
    }

    /// Finds the channel that the others are held against.
    fn refer(&mut self) {
        let level = |channel: usize| self.listeners[channel].level;
        let loudest = |without: Option<usize>| {
            (0..self.channels).filter(|&channel| Some(channel) != without).reduce(|best, channel| {
                // The first of equals, so that the answer is always the same.
                if level(channel) > level(best) { channel } else { best }
            })
        };
        let mut best = loudest(self.low_effects).unwrap_or_default();
        if let Some(low) = self.low_effects.filter(|&low| level(best) < SILENT * level(low)) {
            best = low;
        }
        let is_low = |channel| Some(channel) == self.low_effects;
        if best != self.reference
            && (level(best) > LOUDER * level(self.reference) || is_low(best) || is_low(self.reference))
        {
            self.reference = best;
            // What was known was known about another pair.
            self.pairs.iter_mut().for_each(Pair::forget);
        }
    }
}

fn dot(frame: &[f32], weights: &[f32]) -> f32 {
    frame.iter().zip(weights).map(|(sample, weight)| sample * weight).sum()
}

/// One channel as it is compared: at a lower rate, without what does not swing.
#[derive(Clone)]
struct Listener {
    step: usize,
    segment: usize,
    lag: usize,
    /// Of the filter that takes a constant offset away; some converters have one, and it would pass for a sound.
    pole: f32,
    last_in: Option<f32>,
    last_out: f32,
    /// A segment with `lag` samples before and behind it.
    heard: Vec<f32>,
    /// Energy of a segment, remembered for a short while.
    level: f64,
}

impl Listener {
    fn new(step: usize, segment: usize, lag: usize, compared_rate: f64) -> Self {
        const LOWEST_HZ: f64 = 40.0;
        let pole = (-std::f64::consts::TAU * LOWEST_HZ / compared_rate).exp() as f32;
        let heard = vec![0.0; segment + 2 * lag];
        Self { step, segment, lag, pole, last_in: None, last_out: 0.0, heard, level: 0.0 }
    }

    fn hear<'a>(&mut self, samples: impl Iterator<Item = &'a f32>, fading: f64) {
        let (mut sum, mut count, mut new) = (0.0f32, 0, 0);
        for sample in samples {
            sum += sample;
            count += 1;
            if count == self.step {
                let input = sum / self.step as f32;
                // An offset that is there from the first sample on is no step.
                self.last_out = input - self.last_in.unwrap_or(input) + self.pole * self.last_out;
                self.last_in = Some(input);
                self.heard.push(self.last_out);
                (sum, count, new) = (0.0, 0, new + 1);
            }
        }
        self.heard.drain(..new);
        self.level = self.level * fading + self.energy();
    }

    fn middle(&self) -> &[f32] {
        &self.heard[self.lag..self.lag + self.segment]
    }

    /// The segment as it was heard so many samples before the earliest that is looked at.
    fn shifted(&self, by: usize) -> &[f32] {
        &self.heard[by..by + self.segment]
    }

    fn energy(&self) -> f64 {
        product(self.middle(), self.middle())
    }
}

/// What two channels have in common.
#[derive(Clone)]
struct Pair {
    /// Energies of both and their product, remembered.
    energies: [f64; 2],
    product: f64,
    /// The same over those blocks in which the two were not quite alike, with a product for each lag; no lag is in the middle.
    unlike_energies: [f64; 2],
    lagged: Vec<f64>,
    is_silent: bool,
    is_displaced: bool,
}

impl Pair {
    fn new(lag: usize) -> Self {
        Self {
            energies: [0.0; 2],
            product: 0.0,
            unlike_energies: [0.0; 2],
            lagged: vec![0.0; 2 * lag + 1],
            is_silent: false,
            is_displaced: false,
        }
    }

    fn forget(&mut self) {
        *self = Self::new(self.lagged.len() / 2);
    }

    fn compare(&mut self, one: &Listener, other: &Listener, fading: f64) {
        let energies = [one.energy(), other.energy()];
        let now = product(one.middle(), other.middle());
        self.energies = [0, 1].map(|i| self.energies[i] * fading + energies[i]);
        self.product = self.product * fading + now;
        self.unlike_energies = self.unlike_energies.map(|energy| energy * fading);
        self.lagged.iter_mut().for_each(|product| *product *= fading);
        let is_pause = [0, 1].iter().any(|&i| energies[i] <= PAUSE * self.energies[i]);
        if is_pause || correlation(now, energies) >= ALIKE {
            return;
        }
        self.unlike_energies = [0, 1].map(|i| self.unlike_energies[i] + energies[i]);
        for (by, sum) in self.lagged.iter_mut().enumerate() {
            *sum += product(one.middle(), other.shifted(by));
        }
    }

    fn is_heard(&mut self, one: &Listener, other: &Listener) -> bool {
        let least = if self.is_silent { 2.0 * SILENT } else { SILENT };
        self.is_silent = other.level <= least * one.level && one.level > 0.0;
        let [same_sound, displaced] = [SAME_SOUND, DISPLACED].map(|limits| limits[usize::from(self.is_displaced)]);
        self.is_displaced = correlation(self.product, self.energies) < ALIKE && {
            let at_once = correlation(self.lagged[self.lagged.len() / 2], self.unlike_energies);
            let strongest = self.lagged.iter().fold(0.0f64, |strongest, product| strongest.max(product.abs()));
            let best = correlation(strongest, self.unlike_energies);
            best >= same_sound && best > at_once + displaced
        };
        !self.is_silent && !self.is_displaced
    }
}

/// From −1 to 1; 0 where one of the two is silent.
fn correlation(product: f64, [one, other]: [f64; 2]) -> f64 {
    let scale = (one * other).sqrt();
    if scale > 0.0 && scale.is_finite() { product / scale } else { 0.0 }
}

/// Sum of the products, in lanes so that the processor may work on several at once.
fn product(one: &[f32], other: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    let (ones, one_rest) = one.as_chunks::<LANES>();
    let (others, other_rest) = other.as_chunks::<LANES>();
    for (one, other) in ones.iter().zip(others) {
        for lane in 0..LANES {
            sums[lane] += one[lane] * other[lane];
        }
    }
    let rest: f32 = one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    sums.iter().map(|&sum| f64::from(sum)).sum::<f64>() + f64::from(rest)
}

#[cfg(test)]
#[path = "downmix_tests.rs"]
mod tests;
