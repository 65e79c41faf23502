//! A voice over a whole band, with the stems of both: what [`crate::mix()`] does for a backing that is played once, for a song
//! whose stems are wanted one by one.

use crate::{
    Master, MediaError, Multitrack,
    loudness::Meter,
    mix::{Ducking, finite, level_of_voice},
};

/// Of the band and of the mix.
const CHANNELS: u16 = 2;

/// Lays a mono voice in the middle over a band of the same rate, which gives way to it, so that the voice is `over_band_lu`
/// louder than the band, and brings the whole to a loudness in LUFS and a true peak in dBTP. The mix is exactly as long as the
/// band. Where the band's stems were kept, those of the mix are the voice and then they, which add up to the mix.
///
/// # Errors
/// [`MediaError::Spool`] when the temporary files cannot be read or written.
pub fn lay_over(
    band: &Master,
    voice: &[f32],
    over_band_lu: f64,
    (target_lufs, max_dbtp): (f64, f64),
) -> Result<Master, MediaError> {
    let rate = band.sample_rate_hz;
    let voice = &voice[..voice.len().min(usize::try_from(band.frames()).unwrap_or(usize::MAX))];
    let mut meter = Meter::new(rate, CHANNELS);
    let mut ducking = Ducking::under(voice, rate);
    band.each(|block| {
        let ducked: Vec<f32> = block.chunks_exact(2).flat_map(|pair| with(pair, ducking.next_gain())).collect();
        meter.push(&ducked);
        Ok::<_, MediaError>(())
    })?;
    let levels = level_of_voice(voice, band.frames(), rate).zip(meter.read().integrated_lufs);
    let gain = levels.map_or(1.0, |(voice, band)| 10f64.powf((voice - over_band_lu - band) / 20.0) as f32);

    let stems = if band.stems() == 0 { 0 } else { band.stems() + 1 };
    let mut tracks = Multitrack::new(rate, stems)?;
    let mut ducking = Ducking::under(voice, rate);
    let mut at = 0;
    band.each_together(|block, stems| {
        let frames = block.len() / 2;
        let gains: Vec<f32> = (0..frames).map(|_| gain * ducking.next_gain()).collect();
        let turned_down = |sound: &[f32]| -> Vec<f32> {
            sound.chunks_exact(2).zip(&gains).flat_map(|(pair, gain)| with(pair, *gain)).collect()
        };
        let sung = voice.get(at..).unwrap_or_default();
        let sung: Vec<f32> = (0..frames).flat_map(|i| [sung.get(i).copied().map_or(0.0, finite); 2]).collect();
        at += frames;
        let mix: Vec<f32> = turned_down(block).iter().zip(&sung).map(|(band, voice)| band + voice).collect();
        let stems: Vec<Vec<f32>> = if stems.is_empty() {
            Vec::new()
        } else {
            std::iter::once(sung).chain(stems.iter().map(|stem| turned_down(stem))).collect()
        };
        tracks.push(&mix, &stems)
    })?;
    tracks.master(target_lufs, max_dbtp)
}

fn with(pair: &[f32], gain: f32) -> [f32; 2] {
    [pair[0] * gain, pair[1] * gain]
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;

    fn tone(hz: f32, seconds: f32, level: f32) -> Vec<f32> {
        let count = (seconds * RATE as f32) as usize;
        (0..count).map(|i| (i as f32 * hz * std::f32::consts::TAU / RATE as f32).sin() * level).collect()
    }

    fn band(seconds: f32, keep_stems: bool) -> Master {
        let stereo = |mono: Vec<f32>| -> Vec<f32> { mono.into_iter().flat_map(|x| [x, x]).collect() };
        let stems = vec![stereo(tone(220.0, seconds, 0.2)), stereo(tone(330.0, seconds, 0.1))];
        let mix: Vec<f32> = stems[0].iter().zip(&stems[1]).map(|(a, b)| a + b).collect();
        let mut tracks = Multitrack::new(RATE, if keep_stems { 2 } else { 0 }).unwrap();
        tracks.push(&mix, if keep_stems { &stems } else { &[] }).unwrap();
        tracks.master(-14.0, -1.0).unwrap()
    }

    fn samples(master: &Master, stem: Option<usize>) -> Vec<f32> {
        let mut samples = Vec::new();
        let mut keep = |block: &[f32]| {
            samples.extend_from_slice(block);
            Ok::<_, MediaError>(())
        };
        match stem {
            Some(stem) => master.each_of_stem(stem, &mut keep).unwrap(),
            None => master.each(&mut keep).unwrap(),
        }
        samples
    }

    #[test]
    fn the_voice_stands_over_the_band_and_stems_add_up() {
        let voice = tone(440.0, 3.0, 0.3);
        let mixed = lay_over(&band(6.0, true), &voice, 5.0, (-14.0, -1.0)).unwrap();
        assert_eq!((mixed.stems(), mixed.frames()), (3, 6 * u64::from(RATE)));
        assert!((mixed.loudness.integrated_lufs.unwrap() + 14.0).abs() < 0.6, "{:?}", mixed.loudness);
        assert!(mixed.loudness.true_peak_dbtp.unwrap() <= -0.9);
        let (mix, stems) = (samples(&mixed, None), [0, 1, 2].map(|stem| samples(&mixed, Some(stem))));
        for (at, sample) in mix.iter().enumerate() {
            let sum: f32 = stems.iter().map(|stem| stem[at]).sum();
            assert!((sum - sample).abs() < 1e-4, "at {at}: {sum} for {sample}");
        }
        assert!(stems[0][2 * 4 * RATE as usize..].iter().all(|sample| *sample == 0.0), "where nobody sings");
        // Where the voice sounds, the band gives way.
        let level = |stem: &[f32], second: usize| {
            let part = &stem[2 * second * RATE as usize..][..RATE as usize];
            part.iter().map(|sample| sample * sample).sum::<f32>()
        };
        assert!(level(&stems[1], 1) < 0.6 * level(&stems[1], 5));
    }

    #[test]
    fn a_voice_that_sounds_on_is_cut_where_the_band_ends() {
        let mixed = lay_over(&band(1.0, false), &tone(440.0, 2.0, 0.3), 5.0, (-14.0, -1.0)).unwrap();
        assert_eq!((mixed.stems(), mixed.frames()), (0, u64::from(RATE)));
        let silent = lay_over(&band(1.0, false), &[], 5.0, (-14.0, -1.0)).unwrap();
        assert!((silent.loudness.integrated_lufs.unwrap() + 14.0).abs() < 0.6, "{:?}", silent.loudness);
    }
}
