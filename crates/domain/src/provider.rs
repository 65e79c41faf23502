//! What is known of a provider's part in a result: what it cost, what it used, and who was asked before it.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureClass, FailureCode};

/// What a call cost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Millionths of the currency's unit.
    pub micros: i64,
    /// ISO 4217, such as `USD`.
    pub currency: String,
}

/// What a vendor says that it has used, by which it charges.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Seconds of the vendor's machine.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub compute_seconds: f64,
    /// Seconds of sound that were made.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_seconds: f64,
    #[serde(default, skip_serializing_if = "is_none")]
    pub input_tokens: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    pub output_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(seconds: &f64) -> bool {
    *seconds == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(tokens: &u64) -> bool {
    *tokens == 0
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.compute_seconds += other.compute_seconds;
        self.audio_seconds += other.audio_seconds;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
    }
}

/// Prices of a vendor, in millionths of the currency's unit. What is zero costs nothing.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prices {
    /// ISO 4217.
    pub currency: String,
    /// The day that the prices were read on, as its operator writes it.
    pub as_of: String,
    pub per_call: i64,
    pub per_compute_second: i64,
    pub per_audio_second: i64,
    pub per_million_input_tokens: i64,
    pub per_million_output_tokens: i64,
}

impl Prices {
    /// Whether anything is charged for.
    pub const fn is_free(&self) -> bool {
        self.per_call == 0
            && self.per_compute_second == 0
            && self.per_audio_second == 0
            && self.per_million_input_tokens == 0
            && self.per_million_output_tokens == 0
    }

    /// What a call with this usage costs, rounded up to a millionth; `None` where nothing is charged for.
    pub fn cost(&self, usage: &Usage) -> Option<Cost> {
        if self.is_free() {
            return None;
        }
        let tokens = |count: u64, price: i64| count as f64 * price as f64 / 1e6;
        let micros = self.per_call as f64
            + usage.compute_seconds.max(0.0) * self.per_compute_second as f64
            + usage.audio_seconds.max(0.0) * self.per_audio_second as f64
            + tokens(usage.input_tokens, self.per_million_input_tokens)
            + tokens(usage.output_tokens, self.per_million_output_tokens);
        // What binary fractions make too much is not rounded up.
        Some(Cost { micros: (micros - 1e-6).ceil().max(0.0) as i64, currency: self.currency.clone() })
    }
}

/// A provider that was asked for something, or passed over, before the one that did it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    pub provider: String,
    /// Absent when it was passed over without being asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<FailureCode>,
    /// Why, in words.
    pub why: String,
}

impl Tried {
    pub fn failed(provider: &str, failure: &Failure) -> Self {
        Self {
            provider: provider.to_owned(),
            class: Some(failure.class),
            code: Some(failure.code),
            why: failure.message.clone(),
        }
    }

    pub fn passed_over(provider: &str, why: String) -> Self {
        Self { provider: provider.to_owned(), class: None, code: None, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_rounded_up_to_a_millionth_once() {
        let prices = Prices {
            currency: "USD".to_owned(),
            per_call: 10,
            per_compute_second: 1400,
            per_million_input_tokens: 3_000_000,
            per_million_output_tokens: 15_000_000,
            ..Prices::default()
        };
        let usage = Usage { compute_seconds: 2.5, input_tokens: 1000, output_tokens: 100, ..Usage::default() };
        assert_eq!(prices.cost(&usage).map(|cost| cost.micros), Some(10 + 3500 + 3000 + 1500));
        let third = Usage { compute_seconds: 1.0 / 3.0, ..Usage::default() };
        assert_eq!(prices.cost(&third).map(|cost| cost.micros), Some(10 + 467));
        assert_eq!(Prices::default().cost(&usage), None, "what is free has no cost");
    }
}
