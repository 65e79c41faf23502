//! A classifier by nearest centroid: features standardised over the seeds that it learns from.

use compose::{Composition, LineNote, Role, Style, TICKS_PER_QUARTER};

type Features = fn(&Composition) -> Vec<f64>;

/// Prints how many styles are named right, by what the classifier hears; answers the share for everything.
pub fn print(songs: &[(Style, Composition)], seeds: u64) -> f64 {
    const KINDS: [(&str, Features); 7] = [
        ("everything", everything),
        ("tune alone", tune),
        ("tune: rhythm alone", tune_rhythm),
        ("drums alone", drums),
        ("bass alone", bass),
        ("comping alone", comping),
        ("tempo, meter and swing alone", time),
    ];
    let half = seeds.div_ceil(2);
    println!(
        "\n| the classifier hears | named right (chance {:.2}) | most often mistaken |\n|---|---|---|",
        1.0 / Style::COUNT as f64
    );
    let mut shares = Vec::new();
    for (name, features) in KINDS {
        let (share, mistakes) = named(songs, half, features);
        println!("| {name} | {share:.2} | {mistakes} |");
        shares.push(share);
    }
    println!(
        "\nThe whole is easy, since each style has patterns of its own: it says that the tables differ, not that a listener hears \
         the genre. Tunes have no patterns but their rhythms' seeds, which are varied by chance."
    );
    shares.first().copied().unwrap_or(0.0)
}

fn named(songs: &[(Style, Composition)], half: u64, features: Features) -> (f64, String) {
    let all: Vec<(Style, u64, Vec<f64>)> =
        songs.iter().map(|(style, song)| (*style, song.effective.seed, features(song))).collect();
    let learnt = || all.iter().filter(|(_, seed, _)| *seed < half);
    let count = learnt().count().max(1) as f64;
    let size = all.first().map_or(0, |(_, _, features)| features.len());
    let mean = |of: usize| learnt().map(|(_, _, features)| features[of]).sum::<f64>() / count;
    let means: Vec<f64> = (0..size).map(mean).collect();
    let scale =
        |of: usize| (learnt().map(|(_, _, features)| (features[of] - means[of]).powi(2)).sum::<f64>() / count).sqrt();
    let scales: Vec<f64> = (0..size).map(scale).collect();
    // What hardly varies says nothing, and must not be blown up.
    let standard = |features: &[f64]| -> Vec<f64> {
        (0..size).map(|of| if scales[of] > 1e-6 { (features[of] - means[of]) / scales[of] } else { 0.0 }).collect()
    };
    let centroids: Vec<(Style, Vec<f64>)> = Style::ALL
        .into_iter()
        .map(|style| {
            let own: Vec<Vec<f64>> =
                learnt().filter(|(of, ..)| *of == style).map(|(_, _, features)| standard(features)).collect();
            (
                style,
                (0..size)
                    .map(|of| own.iter().map(|features| features[of]).sum::<f64>() / own.len().max(1) as f64)
                    .collect(),
            )
        })
        .collect();
    let mut mistakes: std::collections::BTreeMap<(Style, Style), usize> = Default::default();
    let (mut right, mut asked) = (0, 0);
    for (style, _, features) in all.iter().filter(|(_, seed, _)| *seed >= half) {
        let features = standard(features);
        let away = |centroid: &[f64]| -> f64 { centroid.iter().zip(&features).map(|(a, b)| (a - b).powi(2)).sum() };
        let nearest = centroids.iter().min_by(|a, b| away(&a.1).total_cmp(&away(&b.1))).map(|(style, _)| *style);
        asked += 1;
        right += usize::from(nearest == Some(*style));
        if let Some(other) = nearest.filter(|other| other != style) {
            *mistakes.entry((*style, other)).or_default() += 1;
        }
    }
    let mut worst: Vec<_> = mistakes.into_iter().collect();
    worst.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let told = worst.iter().take(3).map(|((a, b), times)| format!("{a} for {b} {times}×"));
    (f64::from(right as u32) / f64::from(asked.max(1) as u32), told.collect::<Vec<_>>().join(", "))
}

/// How often something begins at each twelfth and sixteenth of a bar of four, as shares; meters are stretched to it.
fn places<'a>(song: &Composition, notes: impl Iterator<Item = &'a LineNote>) -> Vec<f64> {
    let bar = song.effective.meter.quarters_per_bar() * TICKS_PER_QUARTER;
    let from = song.effective.pickup_beats * TICKS_PER_QUARTER;
    let mut counts = vec![0.0; 24];
    for note in notes {
        let inside = (note.onset + bar - from % bar) % bar;
        // Sixteenths and triplets of a quarter: six places each.
        let place = (u64::from(inside) * 24 / u64::from(bar)) as usize;
        counts[place.min(23)] += 1.0;
    }
    let bars = f64::from(song.effective.bars.max(1));
    counts.iter_mut().for_each(|count| *count /= bars);
    counts
}

fn line(song: &Composition, role: Role) -> &[LineNote] {
    &song.lines[role.index()]
}

fn drums(song: &Composition) -> Vec<f64> {
    const KINDS: [&[u8]; 6] = [
        &[36],
        &[38, 37, 39],
        &[42, 44, 46],
        &[51, 53, 49],
        &[62, 63, 64, 65, 67, 68, 41, 43],
        &[54, 56, 70, 73, 75, 82],
    ];
    let of = |keys: &'static [u8]| line(song, Role::Drums).iter().filter(move |note| keys.contains(&note.pitch));
    KINDS.into_iter().flat_map(|keys| places(song, of(keys))).collect()
}

fn bass(song: &Composition) -> Vec<f64> {
    places(song, line(song, Role::Bass).iter())
}

fn comping(song: &Composition) -> Vec<f64> {
    let mut features = places(song, line(song, Role::Comping).iter());
    let mut onsets: Vec<u32> = line(song, Role::Comping).iter().map(|note| note.onset).collect();
    onsets.dedup();
    features.push(line(song, Role::Comping).len() as f64 / onsets.len().max(1) as f64);
    features
}

fn tune_rhythm(song: &Composition) -> Vec<f64> {
    let line = line(song, Role::Melody);
    let mut features = places(song, line.iter());
    let total = line.len().max(1) as f64;
    let lengths = [120, 240, 360, 480, 960, 1_920];
    let of = |at: usize| {
        let from = if at == 0 { 0 } else { lengths[at - 1] };
        line.iter().filter(|note| from < note.duration && note.duration <= lengths[at]).count() as f64 / total
    };
    features.extend((0..lengths.len()).map(of));
    features.push(line.len() as f64 / f64::from(song.effective.bars.max(1)));
    features
}

fn tune(song: &Composition) -> Vec<f64> {
    let mut features = tune_rhythm(song);
    let line = line(song, Role::Melody);
    let total = line.len().max(1) as f64;
    let mut intervals = [0.0; 13];
    line.windows(2)
        .for_each(|pair| intervals[usize::from(pair[0].pitch.abs_diff(pair[1].pitch).min(12))] += 1.0 / total);
    features.extend(intervals);
    let mut degrees = [0.0; 12];
    let tonic = song.effective.key.tonic;
    line.iter().for_each(|note| degrees[usize::from((note.pitch + 12 - tonic) % 12)] += 1.0 / total);
    features.extend(degrees);
    features
}

fn time(song: &Composition) -> Vec<f64> {
    let effective = &song.effective;
    vec![effective.tempo_bpm / 20.0, f64::from(effective.meter.quarters_per_bar()) * 3.0, effective.swing * 4.0]
}

fn everything(song: &Composition) -> Vec<f64> {
    [drums(song), bass(song), comping(song), tune(song), time(song)].concat()
}
