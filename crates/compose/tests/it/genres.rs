//! What listeners expect of each genre, over a few seeds; and that each expectation can fail.

use compose::{Composition, Options, Style, Understanding, compose, measure::gates};

const SEEDS: std::ops::Range<u64> = 40..43;

fn song(style: Style, seed: u64) -> Composition {
    let options = Options { style: Some(style), seconds: Some(60.0), seed, ..Options::default() };
    compose(&Understanding::default(), &options).unwrap()
}

fn check(styles: &[Style]) {
    let mut failures = Vec::new();
    for style in styles {
        for seed in SEEDS {
            let song = song(*style, seed);
            for gate in gates(&song) {
                if !gate.passes() {
                    failures.push(format!(
                        "{style} seed {seed}: {} is {:?}, not in {}..{}",
                        gate.name, gate.value, gate.low, gate.high
                    ));
                }
                let mut spoiled = song.clone();
                (gate.spoil)(&mut spoiled);
                let again = gates(&spoiled).into_iter().find(|other| other.name == gate.name);
                if again.is_none_or(|again| again.passes()) {
                    failures.push(format!("{style} seed {seed}: a spoiled song passes \"{}\"", gate.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn songs_with_a_backbeat() {
    check(&[Style::Pop, Style::Rock, Style::Ballad, Style::Soul, Style::Funk]);
}

#[test]
fn songs_from_the_country() {
    check(&[Style::Folk, Style::Country, Style::Bluegrass, Style::Blues, Style::Waltz]);
}

#[test]
fn songs_from_jazz_and_the_south() {
    check(&[Style::JazzSwing, Style::Bossa, Style::Samba, Style::Salsa, Style::ChaCha, Style::Reggae, Style::Ska]);
}

#[test]
fn songs_from_machines_and_films() {
    check(&[Style::Disco, Style::House, Style::Trance, Style::HipHop, Style::LoFi, Style::Cinematic, Style::Ambient]);
}
