//! A mark in the input of a run, by which it is known again when the answer to its creation was lost.
//!
//! The API takes no idempotency key, and what it lists shows of a request the input alone: the address for webhooks may be
//! missing there, and a field of our own would be refused. So the mark goes where a model takes a number that changes
//! nothing that anybody asked for: the whole seed, or the last digits of temperatures and rates, a millionth at most. It
//! follows from the correlation, which no two calls share; two equal jobs at the same time have different marks, and what
//! one of them has made is never taken for the other's.

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

const SEED: &str = "seed";
/// Inputs whose last digits may be anything. Of those that a request has, all are marked.
const NUMBERS: [&str; 3] = ["text_temp", "waveform_temp", "lr"];
/// The mark is counted in these steps: what a double still holds below 1000.
const STEPS_PER_UNIT: f64 = 1e12;
/// Different marks of one number; together they are less than a millionth.
const MARKS: u32 = 1_000_000;

/// What one correlation leaves in an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// 31 bits: more than that no model takes as a seed.
    seed: u32,
    /// In steps, of each number.
    digits: [u32; NUMBERS.len()],
}

impl Mark {
    pub fn of(correlation: &str) -> Self {
        let hash = Sha256::digest(correlation.as_bytes());
        let word =
            |index: usize| hash.iter().skip(index * 4).take(4).fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        Self { seed: word(0) >> 1, digits: std::array::from_fn(|index| word(index + 1) % MARKS) }
    }

    /// Marks an input. False when it has nothing that can carry a mark: what is made of it could not be found again.
    #[must_use]
    pub fn put(&self, input: &mut Map<String, Value>) -> bool {
        let mut is_marked = false;
        if let Some(seed) = input.get_mut(SEED) {
            *seed = self.seed.into();
            is_marked = true;
        }
        for (name, digits) in NUMBERS.iter().zip(self.digits) {
            let Some(number) = input.get_mut(*name) else { continue };
            let Some(given) = number.as_f64() else { continue };
            let whole = (given * STEPS_PER_UNIT).round().div_euclid(f64::from(MARKS)) * f64::from(MARKS);
            if let Some(marked) = Number::from_f64((whole + f64::from(digits)) / STEPS_PER_UNIT) {
                *number = Value::Number(marked);
                is_marked = true;
            }
        }
        is_marked
    }

    /// Whether an input carries this mark: everything in it that can.
    pub fn is_in(&self, input: &Value) -> bool {
        let seed = input[SEED].as_u64().map(|seed| seed == u64::from(self.seed));
        let numbers = NUMBERS.iter().zip(self.digits).filter_map(|(name, digits)| {
            let steps = (input[*name].as_f64()? * STEPS_PER_UNIT).round();
            // Rounding moves it by less than half a step.
            Some((steps.rem_euclid(f64::from(MARKS)) - f64::from(digits)).abs() < 0.5)
        });
        // A seed says it alone; another seed says that it is not.
        match seed {
            Some(is_it) => is_it,
            None => {
                let said: Vec<bool> = numbers.collect();
                !said.is_empty() && said.iter().all(|is_it| *is_it)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn marked(correlation: &str, input: &Value) -> Option<Value> {
        let mut input = input.as_object().unwrap().clone();
        Mark::of(correlation).put(&mut input).then_some(Value::Object(input))
    }

    #[test]
    fn a_mark_is_found_again_and_nobody_elses_is() {
        for input in [
            json!({"prompt": "folk", "seed": 0}),
            json!({"prompt": "la", "text_temp": 0.7, "waveform_temp": 0.7}),
            json!({"dataset_path": "https://x.test/a.zip", "lr": 1}),
            json!({"lr": 0.0005}),
        ] {
            for number in 0..200 {
                let (mine, other) = (format!("call {number}"), format!("call {}", number + 1));
                let sent = marked(&mine, &input).unwrap();
                // As it comes back over JSON.
                let shown: Value = serde_json::from_str(&sent.to_string()).unwrap();
                assert!(Mark::of(&mine).is_in(&shown), "{shown}");
                assert!(!Mark::of(&other).is_in(&shown), "{shown}");
                assert!(!Mark::of(&mine).is_in(&input), "{input}");
            }
        }
    }

    #[test]
    fn what_is_marked_means_the_same() {
        let sent =
            marked("c", &json!({"text_temp": 0.7, "waveform_temp": 0.55, "lr": 0.0005, "prompt": "la"})).unwrap();
        let check = |name: &str, given: f64| {
            let differs = sent[name].as_f64().unwrap() - given;
            assert!(differs.abs() <= 1e-6, "{name} is moved by {differs}");
        };
        check("text_temp", 0.7);
        check("waveform_temp", 0.55);
        check("lr", 0.0005);
        assert_eq!(sent["prompt"], "la");
    }

    #[test]
    fn what_cannot_carry_a_mark_is_told_and_never_found() {
        assert_eq!(marked("c", &json!({"prompt": "la"})), None);
        assert_eq!(marked("c", &json!({"lr": "fast"})), None);
        for shown in [json!({}), json!({"prompt": "la"}), json!(null), json!([1])] {
            assert!(!Mark::of("c").is_in(&shown), "{shown}");
        }
    }
}
