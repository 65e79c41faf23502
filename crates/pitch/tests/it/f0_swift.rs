//! SwiftF0 against a direct computation from its graph, with random weights in the real shapes.

use pitch::{
    PitchError,
    f0::{F0Tracker, HOP_SECONDS, SwiftFrame, SwiftTracker, Tensor, Weights},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BANDS: usize = 128;
const PITCHES: usize = 95;
/// Window and filter bank of each resolution: length, names.
const SPECTRA: [(usize, [&str; 3]); 3] =
    [(1_024, ["v41", "v123", "v124"]), (2_048, ["v161", "v241", "v242"]), (512, ["v262", "v342", "v343"])];
/// Weights, bias, shape and dilation of the residual blocks' convolutions.
const BLOCKS: [(&str, &str, [usize; 2], usize); 12] = [
    ("v357", "v358", [7, 3], 1),
    ("v361", "v362", [7, 3], 1),
    ("v366", "v367", [7, 1], 17),
    ("v370", "v371", [7, 1], 17),
    ("v375", "v376", [5, 1], 27),
    ("v379", "v380", [5, 1], 27),
    ("v384", "v385", [3, 1], 40),
    ("v388", "v389", [3, 1], 40),
    ("v393", "v394", [3, 1], 48),
    ("v397", "v398", [3, 1], 48),
    ("v402", "v403", [7, 3], 2),
    ("v406", "v407", [7, 3], 2),
];

fn random_weights() -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut weights = Weights::default();
    for (len, [window, places, values]) in SPECTRA {
        let hann = |i: usize| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / len as f32).cos();
        weights.insert(window, Tensor { shape: vec![len], values: (0..len).map(hann).collect() });
        let bins = len / 2 + 1;
        let at: Vec<f32> = (0..3 * BANDS).map(|i| (rng.random_range(0..bins) * BANDS + i % BANDS) as f32).collect();
        weights.insert(values, Tensor { shape: vec![at.len()], values: vec![0.4; at.len()] });
        weights.insert(places, Tensor { shape: vec![at.len()], values: at });
    }
    let mut layer = |kernel: &str, bias: &str, shape: &[usize], gain: f32| {
        let reach = gain * (3.0 / shape[1..].iter().product::<usize>() as f32).sqrt();
        let mut fill = |shape: &[usize], reach: f32| {
            let values = (0..shape.iter().product()).map(|_| rng.random_range(-reach..reach)).collect();
            Tensor { shape: shape.to_vec(), values }
        };
        weights.insert(kernel, fill(shape, reach));
        weights.insert(bias, fill(&shape[..1], 0.3));
    };
    layer("v353", "v354", &[12, 3, 3, 3], 1.0);
    for (kernel, bias, [rows, times], _) in BLOCKS {
        layer(kernel, bias, &[12, 12, rows, times], 0.7);
    }
    layer("v413", "v414", &[4, 12, 3, 3], 1.0);
    layer("v417", "v418", &[4, 4, 5, 1], 2.0);
    layer("v425", "v426", &[1, 4, 1, 1], 3.0);
    layer("v430", "v431", &[16, 5, 3], 0.7);
    layer("v434", "v435", &[1, 16, 1], 3.0);
    weights
}

fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Its level changes, so that the answers do.
    (0..count).map(|i| rng.random_range(-0.6..0.6) * (0.1 + (i as f32 / 3_000.0).sin().abs())).collect()
}

/// Channels × rows × times.
type Image = Vec<Vec<Vec<f64>>>;

struct Direct<'a>(&'a Weights);

impl Direct<'_> {
    fn get(&self, name: &str) -> &Tensor {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, tensor)| tensor).unwrap()
    }

    #[allow(clippy::needless_range_loop)] // `time` is a place in the recording first, an index second
    fn bands(&self, samples: &[f32], count: usize) -> Image {
        let at = |i: isize| usize::try_from(i).ok().and_then(|i| samples.get(i)).map_or(0.0, |&x| f64::from(x));
        let resolution = |&(len, [window, places, values]): &(usize, [&str; 3])| {
            let (window, places, values) = (self.get(window), self.get(places), self.get(values));
            let turn: Vec<(f64, f64)> =
                (0..len).map(|i| (std::f64::consts::TAU * i as f64 / len as f64).sin_cos()).collect();
            let mut rows = vec![vec![1e-8; count]; BANDS];
            for time in 0..count {
                let frame: Vec<f64> = (0..len)
                    .map(|i| at((time * 256 + i) as isize - (len / 2) as isize) * f64::from(window.values[i]))
                    .collect();
                for (place, weight) in places.values.iter().zip(&values.values) {
                    let (bin, band) = (*place as usize / BANDS, *place as usize % BANDS);
                    let sum = frame.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, x)| {
                        let (sin, cos) = turn[bin * i % len];
                        (re + x * cos, im - x * sin)
                    });
                    rows[band][time] += f64::from(*weight) * sum.0.hypot(sum.1);
                }
            }
            rows.iter().map(|row| row.iter().map(|value: &f64| value.ln()).collect()).collect()
        };
        SPECTRA.iter().map(resolution).collect()
    }

    /// A convolution with zeros around, to `rows` rows.
    fn convolve(&self, input: &Image, kernel: &str, bias: &str, dilation: usize, rows: usize) -> Image {
        let (kernel, bias) = (self.get(kernel), self.get(bias));
        let [outs, ins, height, width] = kernel.shape[..] else { panic!("{:?}", kernel.shape) };
        let times = input[0][0].len();
        let one = |out: usize, row: usize| {
            let mut sums = vec![f64::from(bias.values[out]); times];
            for (channel, image) in input.iter().enumerate().take(ins) {
                for tap in 0..height {
                    let Some(from) = (row + tap * dilation).checked_sub(height / 2 * dilation) else { continue };
                    let Some(from) = image.get(from) else { continue };
                    for w in 0..width {
                        let weight = f64::from(kernel.values[((out * ins + channel) * height + tap) * width + w]);
                        for (time, sum) in sums.iter_mut().enumerate() {
                            let x = (time + w).checked_sub(width / 2).and_then(|time| from.get(time));
                            *sum += weight * x.copied().unwrap_or(0.0);
                        }
                    }
                }
            }
            sums
        };
        (0..outs).map(|out| (0..rows).map(|row| one(out, row)).collect()).collect()
    }

    /// Logarithm of the pitch in steps, how clearly the best one won, and confidence, for each frame.
    fn answers(&self, samples: &[f32], count: usize) -> Vec<(f64, f64, f64)> {
        let bands = self.bands(samples, count);
        let mut here = relu(self.convolve(&bands, "v353", "v354", 1, BANDS));
        for pair in BLOCKS.chunks(2) {
            let (first, second) = (pair[0], pair[1]);
            let inner = relu(self.convolve(&here, first.0, first.1, first.3, BANDS));
            let mut outer = self.convolve(&inner, second.0, second.1, second.3, BANDS);
            for (to, from) in outer.iter_mut().flatten().flatten().zip(here.iter().flatten().flatten()) {
                *to += from;
            }
            here = relu(outer);
        }
        let head = relu(self.convolve(&here, "v413", "v414", 1, PITCHES));
        let scores = self.convolve(&head, "v425", "v426", 1, PITCHES);
        let voicing = self.convolve(&head, "v417", "v418", 1, PITCHES);
        let mut inputs: Vec<Vec<f64>> = voicing
            .iter()
            .map(|rows| (0..count).map(|t| rows.iter().map(|row| row[t]).fold(f64::MIN, f64::max)).collect())
            .collect();
        let mean = |t: usize| bands.iter().flatten().map(|row| row[t]).sum::<f64>() / (3 * BANDS) as f64;
        inputs.push((0..count).map(mean).collect());
        let (hidden, outer) = (self.get("v430"), self.get("v434"));
        let value = |name: &str, i: usize| f64::from(self.get(name).values[i]);
        (0..count)
            .map(|t| {
                let mut sum = value("v435", 0);
                for unit in 0..16 {
                    let mut inner = value("v431", unit);
                    for (channel, row) in inputs.iter().enumerate() {
                        for w in 0..3 {
                            let x = (t + w).checked_sub(1).and_then(|t| row.get(t)).copied().unwrap_or(0.0);
                            inner += f64::from(hidden.values[(unit * 5 + channel) * 3 + w]) * x;
                        }
                    }
                    sum += f64::from(outer.values[unit]) * inner.max(0.0);
                }
                let scores: Vec<f64> = scores[0].iter().map(|row| row[t]).collect();
                let best = (0..PITCHES).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
                let rival = (0..PITCHES).filter(|&p| p != best).map(|p| scores[p]).fold(f64::MIN, f64::max);
                let near = best.saturating_sub(1)..(best + 2).min(PITCHES);
                let shares = near.clone().map(|p| (scores[p] - scores[best]).exp());
                let place =
                    near.map(|p| (scores[p] - scores[best]).exp() * p as f64).sum::<f64>() / shares.sum::<f64>();
                (place, scores[best] - rival, 1.0 / (1.0 + (-sum).exp()))
            })
            .collect()
    }
}

fn relu(mut image: Image) -> Image {
    image.iter_mut().flatten().flatten().for_each(|value| *value = value.max(0.0));
    image
}

#[test]
fn frames_equal_the_direct_computation() {
    let weights = random_weights();
    // Longer than the tracker works on at a time, and no multiple of a frame.
    let samples = noise(1, 250 * 256 + 77);
    let found = SwiftTracker::new(&weights).unwrap().frames(&samples, 16_000, &mut |_| {}).unwrap();
    assert_eq!(found.len(), 250);
    let expected = Direct(&weights).answers(&samples, 250);
    let mut clear = 0;
    for (index, (SwiftFrame { hz, confidence }, (place, margin, expected))) in found.iter().zip(&expected).enumerate() {
        assert!((f64::from(*confidence) - expected).abs() < 1e-3, "frame {index}: {confidence} for {expected}");
        // Where two pitches are all but equally good, rounding may decide.
        if *margin > 1e-3 {
            let expected_hz = 46.875 * (2_093.75f64 / 46.875).powf(place / 94.0);
            let cents = 1_200.0 * (hz / expected_hz).log2();
            assert!(cents.abs() < 0.5, "frame {index}: {cents} cents");
            clear += 1;
        }
    }
    assert!(clear > 200, "{clear}");
    let spread =
        |values: Vec<f64>| values.iter().copied().fold(f64::MIN, f64::max) - values.iter().copied().fold(1e9, f64::min);
    assert!(spread(found.iter().map(|frame| frame.hz).collect()) > 50.0, "all alike would show nothing");
    assert!(spread(found.iter().map(|frame| f64::from(frame.confidence)).collect()) > 0.05);
}

#[test]
fn a_track_has_a_frame_for_every_hop_and_silence_is_never_sung() {
    let tracker = SwiftTracker::new(&random_weights()).unwrap();
    for rate in [8_000, 16_000, 44_100] {
        let track = tracker.track(&vec![0.0; rate as usize], rate, &mut |_| {}).unwrap();
        assert_eq!((track.frames.len(), track.hop_seconds), (101, HOP_SECONDS), "{rate}");
        assert!(track.frames.iter().all(|frame| !frame.voiced && frame.confidence == 0.0));
    }
    let mut damaged = noise(4, 16_000);
    damaged[3_000] = f32::NAN;
    let mut shares = Vec::new();
    let track = tracker.track(&damaged, 16_000, &mut |share| shares.push(share)).unwrap();
    let sane = |hz: f32| (46.0..2_100.0).contains(&hz);
    assert!(track.frames.iter().all(|frame| sane(frame.hz) && (0.0..=1.0).contains(&frame.confidence)));
    assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
    for count in [1, 100, 300, 400] {
        assert_eq!(tracker.track(&noise(5, count), 16_000, &mut |_| {}).unwrap().frames.len(), count / 160 + 1);
    }
    assert!(tracker.track(&[], 16_000, &mut |_| {}).unwrap().frames.is_empty());
    assert_eq!(tracker.track(&[0.0; 100], 4_000, &mut |_| {}), Err(PitchError::SampleRate(4_000)));
}

#[test]
fn a_quiet_recording_is_heard_like_a_loud_one() {
    let tracker = SwiftTracker::new(&random_weights()).unwrap();
    let loud: Vec<f32> = noise(6, 20_000).iter().map(|x| x * 0.5 / 0.66).collect();
    let quiet: Vec<f32> = loud.iter().map(|x| x / 64.0).collect();
    let of = |samples: &[f32]| tracker.track(samples, 16_000, &mut |_| {}).unwrap();
    let (loud, quiet) = (of(&loud), of(&quiet));
    let near = loud.frames.iter().zip(&quiet.frames).filter(|(a, b)| (a.confidence - b.confidence).abs() < 1e-2);
    assert_eq!(near.count(), loud.frames.len());
}

#[test]
fn other_weights_are_refused_by_name() {
    let refusal = |name: &str, tensor: Option<Tensor>| {
        let mut weights = Weights::default();
        for (known, kept) in random_weights().iter().filter(|(known, _)| *known != name) {
            weights.insert(known, kept.clone());
        }
        if let Some(tensor) = tensor {
            weights.insert(name, tensor);
        }
        SwiftTracker::new(&weights).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refusal("v413", None).ends_with("v413 is missing"));
    let flat = Tensor { shape: vec![12], values: vec![0.0; 12] };
    assert!(refusal("v357", Some(flat.clone())).ends_with("v357 has the shape [12] instead of [12, 12, 7, 3]"));
    assert!(refusal("v41", Some(flat.clone())).contains("v41 has the shape"));
    assert!(refusal("v124", Some(flat)).contains("v124 has the shape [12] instead of [384]"));
    let outside = Tensor { shape: vec![384], values: vec![65_664.0; 384] };
    assert!(refusal("v123", Some(outside)).ends_with("v123 points outside its matrix"));
}
