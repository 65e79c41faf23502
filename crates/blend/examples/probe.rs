fn main() {
    for path in std::env::args().skip(1) {
        let read = music::smf::read(&std::fs::read(&path).unwrap(), &music::smf::Limits::default()).unwrap();
        let a = music::analysis::analyse(&read.score);
        let mut t: Vec<f64> = a.tunes.iter().map(|t| (t.tunefulness * 100.0).round() / 100.0).collect();
        t.sort_by(f64::total_cmp);
        let s = blend::Source { title: &path, score: &read.score, analysis: &a };
        let (target, m) = blend::materials(&[s; 3], &Default::default());
        println!("{path} key {:?} bpm {:.0} bars {} tern {} swing {:?} presence {:?} best_tune {:.2}\n   tunes {t:?} keys {:?}", a.key.map(|k| (k.to_string(), k.confidence)), a.tempo.median_bpm, a.bars.len(), target.beats, a.swing, m[0].presence.map(|p| (p * 100.0).round()), m[0].best_tune(&target), a.keys.iter().map(|k| format!("{}:{}", k.bars.start, k.key)).collect::<Vec<_>>());
    }
}
