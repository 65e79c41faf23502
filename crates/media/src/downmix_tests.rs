use super::*;

const RATE: u32 = 44_100;

/// A hum: a few harmonics, of which the first is the strongest.
fn hum(hz: f32, seconds: f32) -> Vec<f32> {
    let frames = (seconds * RATE as f32) as usize;
    (0..frames)
        .map(|i| {
            let phase = i as f32 * hz * std::f32::consts::TAU / RATE as f32;
            0.3 * phase.sin() + 0.15 * (2.0 * phase).sin() + 0.05 * (3.0 * phase + 1.0).sin()
        })
        .collect()
}

fn noise(frames: usize, level: f32, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..frames)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            level * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
        })
        .collect()
}

fn delayed(sound: &[f32], seconds: f32) -> Vec<f32> {
    let mut later = vec![0.0; (seconds * RATE as f32).round() as usize];
    later.extend_from_slice(&sound[..sound.len() - later.len()]);
    later
}

fn mixed_at(rate: u32, low: Option<usize>, channels: &[&[f32]], part: usize) -> Vec<f32> {
    let frames = channels[0].len();
    let interleaved: Vec<f32> = (0..frames).flat_map(|i| channels.iter().map(move |channel| channel[i])).collect();
    let (mut downmix, mut mono) = (Downmix::new(channels.len(), low, rate), Vec::new());
    interleaved.chunks(part * channels.len()).for_each(|part| downmix.push(part, &mut mono));
    downmix.finish(&mut mono);
    assert_eq!(mono.len(), frames);
    mono
}

fn mixed(channels: &[&[f32]]) -> Vec<f32> {
    mixed_at(RATE, None, channels, 1152)
}

fn rms(sound: &[f32]) -> f32 {
    (sound.iter().map(|x| x * x).sum::<f32>() / sound.len() as f32).sqrt()
}

fn add(one: &[f32], other: &[f32]) -> Vec<f32> {
    one.iter().zip(other).map(|(a, b)| a + b).collect()
}

/// How much of a sound is what it should be: 1 for all, at any level.
fn likeness(sound: &[f32], expected: &[f32]) -> f64 {
    correlation(product(sound, expected), [product(sound, sound), product(expected, expected)])
}

#[test]
fn channels_that_are_alike_come_out_as_they_went_in() {
    let voice = crate::sample::voice(3.0, RATE, 1);
    assert!(mixed(&[&voice, &voice]) == voice, "two");
    assert!(mixed(&[&voice[..]; 4]) == voice, "four");
}

#[test]
fn the_size_of_the_parts_does_not_matter() {
    let voice = crate::sample::voice(2.0, RATE, 1);
    let later = delayed(&voice, 0.001);
    let whole = mixed_at(RATE, None, &[&voice, &later], voice.len());
    for part in [1, 441, 5000] {
        assert!(mixed_at(RATE, None, &[&voice, &later], part) == whole, "{part}");
    }
}

#[test]
fn a_silent_channel_takes_nothing_from_the_other() {
    let voice = hum(220.0, 2.0);
    let silence = vec![0.0; voice.len()];
    assert!(mixed(&[&voice, &silence]) == voice && mixed(&[&silence, &voice]) == voice);
    let hiss = noise(voice.len(), 0.003, 1);
    for channels in [[&voice[..], &hiss], [&hiss, &voice]] {
        assert!((rms(&mixed(&channels)) / rms(&voice) - 1.0).abs() < 0.01);
    }
    // A constant offset is no sound, however large.
    let offset = vec![0.5; voice.len()];
    let out = mixed(&[&offset, &voice]);
    assert!(likeness(&out[4410..], &voice[4410..]) > 0.999);
}

#[test]
fn a_channel_that_is_upside_down_or_late_does_not_cancel() {
    for hz in [82.0, 110.0, 196.0, 329.6, 333.3, 440.0, 667.0, 1046.5, 2093.0] {
        let voice = hum(hz, 2.0);
        let inverted: Vec<f32> = voice.iter().map(|x| -x).collect();
        let quieter: Vec<f32> = voice.iter().map(|x| -0.6 * x).collect();
        for other in [inverted, quieter] {
            let out = mixed(&[&voice, &other]);
            assert!((rms(&out) / rms(&voice) - 1.0).abs() < 0.01, "{hz} Hz upside down");
        }
        for seconds in [0.0004, 0.0015, 0.004, 0.02] {
            let late = delayed(&voice, seconds);
            let out = mixed(&[&add(&voice, &noise(voice.len(), 0.01, 2)), &add(&late, &noise(voice.len(), 0.01, 3))]);
            // Either of the two, or a sum in which nothing is missing.
            let tail = voice.len() / 2;
            let harmonic = |sound: &[f32]| tone(&sound[tail..], hz);
            let kept = harmonic(&out) / harmonic(&voice);
            assert!(kept > 0.85, "{hz} Hz, {seconds} s late: {kept} of the fundamental");
        }
    }
}

/// Strength of one frequency.
fn tone(sound: &[f32], hz: f32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, &x) in sound.iter().enumerate() {
        let phase = f64::from(hz) * std::f64::consts::TAU * i as f64 / f64::from(RATE);
        re += f64::from(x) * phase.cos();
        im += f64::from(x) * phase.sin();
    }
    re.hypot(im) / sound.len() as f64
}

#[test]
fn different_sounds_are_both_kept() {
    let low = hum(196.0, 3.0);
    let high = add(&hum(523.3, 3.0), &noise(3 * RATE as usize, 0.05, 5));
    let out = mixed(&[&low, &high]);
    for (sound, hz) in [(&low, 196.0), (&high, 523.3)] {
        let kept = tone(&out, hz) / tone(sound, hz);
        assert!((0.45..0.6).contains(&kept), "{hz} Hz: {kept}");
    }
}

#[test]
fn a_channel_that_fails_is_replaced() {
    let voice = hum(220.0, 6.0);
    let (mut left, mut right) = (voice.clone(), voice.clone());
    right[..voice.len() / 2].fill(0.0);
    left[voice.len() / 2..].fill(0.0);
    let out = mixed(&[&left, &right]);
    let second = RATE as usize;
    // Within two seconds of the failure the sound is back at its level, and it is never away.
    for (at, part) in out.chunks(second / 10).enumerate() {
        let level = rms(part) / rms(&voice);
        let is_settling = (29..50).contains(&at);
        assert!(level > if is_settling { 0.35 } else { 0.9 }, "{level} at {at}");
    }
    let steps = out.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    let natural = voice.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(steps < 1.2 * natural || steps < 0.3, "no clicks but that of the failure: {steps}");
}

#[test]
fn low_effects_are_heard_only_alone() {
    let voice = hum(220.0, 2.0);
    let rumble = hum(50.0, 2.0);
    let silence = vec![0.0; voice.len()];
    let out = mixed_at(RATE, Some(3), &[&voice, &voice, &voice, &rumble, &silence, &silence], 1024);
    assert!(likeness(&out, &voice) > 0.9999, "{}", likeness(&out, &voice));
    let out = mixed_at(RATE, Some(3), &[&silence, &silence, &silence, &rumble, &silence, &silence], 1024);
    assert!(out == rumble);
}

#[test]
fn anything_comes_out_finite() {
    for rate in [8_000, 11_025, 16_000, 48_000, 192_000] {
        for count in 1..=8 {
            let wild: Vec<Vec<f32>> = (0..count).map(|i| noise(5000, 10f32.powi(i * 5), i as u32)).collect();
            let channels: Vec<&[f32]> = wild.iter().map(Vec::as_slice).collect();
            assert!(mixed_at(rate, Some(1), &channels, 777).iter().all(|x| x.is_finite()), "{rate} {count}");
        }
    }
}
