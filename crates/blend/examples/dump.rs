fn main() {
    let files = ["groove_funk1_138", "openmsx_midnight_snow_run", "lied_Go_down_Moses"];
    let songs: Vec<_> = files.iter().map(|f| { let r = music::smf::read(&std::fs::read(format!("../shared/data/midi/{f}.mid")).unwrap(), &Default::default()).unwrap(); let a = music::analysis::analyse(&r.score); (f, r.score, a) }).collect();
    let s: [blend::Source; 3] = std::array::from_fn(|i| blend::Source { title: songs[i].0, score: &songs[i].1, analysis: &songs[i].2 });
    let o = blend::Options { seed: 90, ..Default::default() };
    let b = blend::blend(&s, &o).unwrap();
    let (_, m) = blend::materials(&s, &o);
    for sec in &b.plan.sections {
        for bar in sec.first_bar..sec.first_bar + sec.bars {
            let Some(c) = b.plan.cell(blend::Role::Melody, bar) else { continue };
            let Some(song) = c.song else { continue };
            let src: Vec<_> = m[song].bars[c.at].line(blend::Role::Melody).iter().map(|n| format!("{:.2}:{}", n.onset, n.pitch + c.shift + 12 * c.octave)).collect();
            let out: Vec<_> = b.melody().iter().filter(|n| (n.onset + 0.03) as usize / 4 == bar).map(|n| format!("{:.2}:{}", n.onset - 4.0 * bar as f64, n.pitch)).collect();
            println!("{} {bar} {:?}\n   src {}\n   out {}", sec.label(), &b.plan.chords[2 * bar..2 * bar + 2].iter().map(|c| c.to_string()).collect::<Vec<_>>(), src.join(" "), out.join(" "));
        }
    }
}
