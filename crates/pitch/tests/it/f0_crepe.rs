//! CREPE against a direct computation from its definition, on a small network of random weights.

use std::num::NonZeroUsize;

use pitch::{
    PitchError,
    f0::{CrepeTracker, F0Tracker, HOP_SECONDS, Tensor, Weights},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BINS: usize = 360;
/// More than the network keeps at a time in the first layer, and no multiple of anything in the others.
const CHANNELS: [usize; 6] = [136, 5, 3, 18, 4, 7];

fn random(rng: &mut ChaCha8Rng, shape: &[usize], low: f32, high: f32) -> Tensor {
    let count = shape.iter().product();
    Tensor { shape: shape.to_vec(), values: (0..count).map(|_| rng.random_range(low..high)).collect() }
}

fn small_network() -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut weights = Weights::default();
    let mut before = 1;
    for (index, &out) in CHANNELS.iter().enumerate() {
        let (name, kernel) = (format!("conv{}", index + 1), if index == 0 { 512 } else { 64 });
        let reach = (3.0 / (before * kernel) as f32).sqrt();
        weights.insert(format!("{name}.weight"), random(&mut rng, &[out, before, kernel, 1], -reach, reach));
        weights.insert(format!("{name}.bias"), random(&mut rng, &[out], -0.2, 0.2));
        // Negative scales too: the order of normalisation and pooling matters for them.
        weights.insert(format!("{name}_BN.weight"), random(&mut rng, &[out], -1.5, 1.5));
        weights.insert(format!("{name}_BN.bias"), random(&mut rng, &[out], -0.3, 0.3));
        weights.insert(format!("{name}_BN.running_mean"), random(&mut rng, &[out], -0.3, 0.3));
        weights.insert(format!("{name}_BN.running_var"), random(&mut rng, &[out], 0.2, 1.0));
        before = out;
    }
    weights.insert("classifier.weight", random(&mut rng, &[BINS, 4 * before], -1.0, 1.0));
    weights.insert("classifier.bias", random(&mut rng, &[BINS], -1.0, 1.0));
    weights
}

fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-0.5..0.5)).collect()
}

/// Activations of one frame, straight from torchcrepe's definition.
fn direct(weights: &Weights, samples: &[f32], frame: usize) -> Vec<f64> {
    let get = |name: &str| weights.iter().find(|(known, _)| *known == name).map(|(_, tensor)| tensor).unwrap();
    let at = |index: isize| usize::try_from(index).ok().and_then(|i| samples.get(i)).map_or(0.0, |&x| f64::from(x));
    let mut here: Vec<Vec<f64>> = vec![(0..1024).map(|i| at((frame * 160 + i) as isize - 512)).collect()];
    let mean = here[0].iter().sum::<f64>() / 1024.0;
    let deviation = (here[0].iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1023.0).sqrt();
    here[0].iter_mut().for_each(|x| *x = (*x - mean) / deviation.max(1e-10));
    for layer in 1..=6 {
        let (kernels, stride, before) =
            (get(&format!("conv{layer}.weight")), if layer == 1 { 4 } else { 1 }, if layer == 1 { 254 } else { 31 });
        let taps = kernels.shape[2];
        let outs = here[0].len() / stride;
        let value = |name: &str, out: usize| f64::from(get(&format!("conv{layer}{name}")).values[out]);
        here = (0..kernels.shape[0])
            .map(|out| {
                let mut row = vec![value(".bias", out); outs];
                for (channel, samples) in here.iter().enumerate() {
                    let kernel = &kernels.values[(out * here.len() + channel) * taps..][..taps];
                    for (t, sum) in row.iter_mut().enumerate() {
                        for (k, tap) in kernel.iter().enumerate() {
                            if let Some(x) = (t * stride + k).checked_sub(before).and_then(|i| samples.get(i)) {
                                *sum += f64::from(*tap) * x;
                            }
                        }
                    }
                }
                let scale = value("_BN.weight", out) / (value("_BN.running_var", out) + 0.001).sqrt();
                let normal = |x: f64| (x.max(0.0) - value("_BN.running_mean", out)) * scale + value("_BN.bias", out);
                row.chunks(2).map(|pair| normal(pair[0]).max(normal(pair[1]))).collect()
            })
            .collect();
    }
    let features: Vec<f64> = (0..4).flat_map(|time| here.iter().map(move |row| row[time])).collect();
    let (rows, bias) = (&get("classifier.weight").values, &get("classifier.bias").values);
    (0..BINS)
        .map(|bin| {
            let row = &rows[bin * features.len()..][..features.len()];
            let sum: f64 = row.iter().zip(&features).map(|(w, x)| f64::from(*w) * x).sum();
            1.0 / (1.0 + (-(sum + f64::from(bias[bin]))).exp())
        })
        .collect()
}

#[test]
fn activations_equal_the_direct_computation() {
    let weights = small_network();
    let samples = noise(1, 16_000);
    let found = CrepeTracker::new(&weights).unwrap().activations(&samples, 16_000, &mut |_| {}).unwrap();
    assert_eq!(found.values.len(), 101 * BINS);
    let mut spread = 0.0f64;
    // The edges, where zeros stand before and behind, and both sides of the border between two batches.
    for frame in [0, 1, 50, 63, 64, 100] {
        let expected = direct(&weights, &samples, frame);
        for (bin, (found, expected)) in found.values[frame * BINS..].iter().zip(&expected).enumerate() {
            let difference = (f64::from(*found) - expected).abs();
            assert!(difference < 1e-5, "frame {frame}, bin {bin}: {found} instead of {expected}");
        }
        let highest = expected.iter().copied().fold(0.0, f64::max);
        spread = spread.max(highest - expected.iter().copied().fold(1.0, f64::min));
    }
    assert!(spread > 0.5, "activations that are all alike would show nothing: {spread}");
}

#[test]
fn threads_change_nothing() {
    let weights = small_network();
    let samples = noise(2, 40_000);
    let tracker = |threads| CrepeTracker::new(&weights).unwrap().with_threads(NonZeroUsize::new(threads).unwrap());
    let mut shares = Vec::new();
    let one = tracker(1).activations(&samples, 16_000, &mut |share| shares.push(share)).unwrap();
    assert_eq!(one, tracker(3).activations(&samples, 16_000, &mut |_| {}).unwrap());
    assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
}

#[test]
fn a_track_has_a_frame_for_every_hop_and_silence_is_never_sung() {
    let tracker = CrepeTracker::new(&small_network()).unwrap();
    for rate in [8_000, 16_000, 44_100] {
        let track = tracker.track(&vec![0.0; rate as usize], rate, &mut |_| {}).unwrap();
        assert_eq!((track.frames.len(), track.hop_seconds), (101, HOP_SECONDS), "{rate}");
        assert!(track.frames.iter().all(|frame| !frame.voiced && frame.confidence == 0.0));
    }
    let mut damaged = noise(4, 16_000);
    damaged[3_000] = f32::NAN;
    let track = tracker.track(&damaged, 16_000, &mut |_| {}).unwrap();
    let sane = |hz: f32| (30.0..2_100.0).contains(&hz);
    assert!(track.frames.iter().all(|frame| sane(frame.hz) && (0.0..=1.0).contains(&frame.confidence)));
    assert!(tracker.track(&[], 16_000, &mut |_| {}).unwrap().frames.is_empty());
    let refused = tracker.track(&[0.0; 100], 4_000, &mut |_| {});
    assert_eq!(refused, Err(PitchError::SampleRate(4_000)));
}

#[test]
fn other_weights_are_refused_by_name() {
    let refusal = |name: &str, tensor: Option<Tensor>| {
        let mut weights = Weights::default();
        for (known, kept) in small_network().iter().filter(|(known, _)| *known != name) {
            weights.insert(known, kept.clone());
        }
        if let Some(tensor) = tensor {
            weights.insert(name, tensor);
        }
        CrepeTracker::new(&weights).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refusal("conv3.bias", None).ends_with("conv3.bias is missing"));
    let of = |shape: &[usize], count| Some(Tensor { shape: shape.to_vec(), values: vec![0.5; count] });
    let text = refusal("conv2_BN.bias", of(&[6], 6));
    assert!(text.ends_with("conv2_BN.bias has the shape [6] instead of [5]"), "{text}");
    assert!(refusal("conv2.weight", of(&[5, 136, 63, 1], 5 * 136 * 63)).contains("conv2.weight has the shape"));
    assert!(refusal("classifier.bias", of(&[360], 359)).contains("359 values"));
    assert!(refusal("conv1.weight", of(&[], 1)).contains("conv1.weight"));
    assert!(refusal("conv1.weight", of(&[usize::MAX, 1, 512, 1], 0)).contains("conv1.weight"));
    let negative = Some(Tensor { shape: vec![5], values: vec![-1.0; 5] });
    assert!(refusal("conv2_BN.running_var", negative).contains("conv2_BN.running_var is negative"));
    let no_number = Some(Tensor { shape: vec![5], values: vec![f32::NAN; 5] });
    assert!(refusal("conv2.bias", no_number).contains("conv2.bias"));
}
