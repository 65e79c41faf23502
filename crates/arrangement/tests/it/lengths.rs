//! What a request may ask for, a blend can be: lengths and tempos together.

use std::sync::LazyLock;

use arrangement::{blend_options, read_song, sample_songs};
use blend::{BlendError, Options, Source};
use domain::{
    InvalidField,
    kinds::blend::{BlendLength, BlendRequest, MOST_SECONDS, seconds},
};
use proptest::prelude::*;
use providers::SongToBlend;

/// Songs in 4/4.
static SONGS: LazyLock<[SongToBlend; 3]> = LazyLock::new(|| {
    sample_songs().map(|song| read_song(&song.midi, Some(song.title)).expect("a song of our own").song)
});

fn read(bars: Option<u32>, seconds: Option<f64>, bpm: Option<f64>) -> Result<BlendRequest, InvalidField> {
    let [bars, seconds, bpm] =
        [bars.map(|bars| bars.to_string()), seconds.map(|s| s.to_string()), bpm.map(|bpm| bpm.to_string())];
    let field = |name: &str| match name {
        "bars" => bars.as_deref(),
        "seconds" => seconds.as_deref(),
        "tempo" => bpm.as_deref(),
        "temperature" => Some("0"),
        _ => None,
    };
    BlendRequest::read(field, 7)
}

fn blended(request: &BlendRequest) -> Result<blend::Blend, BlendError> {
    let sources = SONGS.each_ref().map(|SongToBlend { title, score, analysis }| Source {
        title: title.as_str(),
        score,
        analysis,
    });
    blend::blend(&sources, &Options { plans: 1, ..blend_options(request) })
}

/// Holds what was made, or why not, against what was asked for.
fn check(request: &BlendRequest, bpm: Option<f64>) {
    let made = match (blended(request), request.options.length, bpm) {
        (Ok(made), ..) => made,
        // Only what the meter decides is left to fail, and it says what would do.
        (Err(BlendError::TooLong { bars, beats: 4, most, .. }), _, Some(bpm)) => {
            assert!(seconds(bars, 3, bpm) <= MOST_SECONDS && seconds(bars, 4, bpm) > MOST_SECONDS, "{bars} at {bpm}");
            assert!(seconds(most, 4, bpm) <= MOST_SECONDS && seconds(most + 1, 4, bpm) > MOST_SECONDS, "{most}");
            return;
        }
        (Err(BlendError::Seconds { .. }), Some(BlendLength::Seconds(asked)), Some(bpm)) => {
            let (least, most) = (seconds(8, 4, bpm) - 1.0, seconds(400, 4, bpm).min(MOST_SECONDS) + 1.0);
            assert!(!(least..=most).contains(&asked), "{asked} at {bpm}: {least} to {most}");
            let (least, most) = (seconds(8, 3, bpm) - 1.0, seconds(400, 3, bpm).min(MOST_SECONDS) + 1.0);
            assert!((least..=most).contains(&asked), "{asked} at {bpm}: in three {least} to {most}");
            return;
        }
        (Err(error), ..) => panic!("{error}: {request:?}"),
    };
    let (lasts, bar) = (made.score.seconds(), 60.0 / made.plan.target.bpm * f64::from(made.plan.target.beats));
    assert!(lasts <= MOST_SECONDS + 0.01, "{lasts}");
    if let Some(BlendLength::Seconds(asked)) = request.options.length {
        assert!((lasts - asked).abs() <= bar.max(1.0), "{lasts} s for {asked}, a bar lasts {bar}");
    }
}

#[test]
fn both_reckon_lengths_alike() {
    for beats in [3, 4] {
        for bars in BlendRequest::BARS {
            for bpm in [40.0, 66.0, 97.3, 120.0, 149.0, 240.0] {
                let of_blend = blend::seconds(bars as usize, f64::from(beats), bpm);
                assert!((seconds(bars, beats, bpm) - of_blend).abs() < 1e-9, "{bars} {beats} {bpm}");
            }
        }
    }
}

#[test]
fn the_edges_are_made() {
    for (bars, seconds, bpm) in [
        (Some(400), None, Some(240.0)),
        (Some(400), None, Some(120.0)),
        (None, Some(720.0), Some(40.0)),
        (None, Some(720.0), None),
        (None, Some(30.0), None),
        (None, Some(7.0), Some(240.0)),
        (Some(8), None, Some(240.0)),
    ] {
        let request = read(bars, seconds, bpm).unwrap_or_else(|error| panic!("{bars:?} {seconds:?} {bpm:?}: {error}"));
        check(&request, bpm);
    }
    for (bars, seconds, bpm, field) in [
        (None, Some(700.0), Some(240.0), "seconds"),
        (None, Some(720.0), Some(240.0 * 0.9), "seconds"),
        (Some(400), None, Some(60.0), "bars"),
        (None, Some(8.0), Some(40.0), "seconds"),
    ] {
        assert_eq!(read(bars, seconds, bpm).unwrap_err().field, field);
    }
}

proptest! {
    // Each case makes a whole blend.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_with_a_tempo_is_made(
        bars in 8_u32..=400, seconds in 4.0_f64..=720.0, in_bars: bool, bpm in 40.0_f64..=240.0,
    ) {
        let (bars, seconds) = if in_bars { (Some(bars), None) } else { (None, Some(seconds)) };
        match read(bars, seconds, Some(bpm)) {
            Ok(request) => check(&request, Some(bpm)),
            Err(refused) => {
                // Nor would it have been made.
                let mut request = read(None, None, Some(bpm)).unwrap();
                request.options.length = bars.map(BlendLength::Bars).or(seconds.map(BlendLength::Seconds));
                prop_assert!(blended(&request).is_err(), "{}", refused);
            }
        }
    }
}
