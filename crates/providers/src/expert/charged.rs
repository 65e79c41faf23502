//! Calls of an expert that may cost something. Where the settings name it among the vendors, each is a row of the log before it
//! is made, held against the limits on spending, and its answer is kept; a service of our own is simply asked.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
};

use bytes::Bytes;
use domain::{Cost, Failure, FailureClass, FailureCode, Usage};
use outbound::{Answer, Request};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::client::{ExpertClient, Parts};
use crate::{
    calls::{self, Answered, Call, Make, ProviderCall},
    capability::blocking,
    input::AudioInput,
    outside_service::CallError,
    stop::Stop,
};

/// Most that one answer is believed to have cost, in the currency's unit.
const MOST_TOLD: f64 = 100_000.0;

/// One stage of a song.
pub(super) struct StageCall<'a> {
    pub purpose: &'a str,
    /// Of sound that is made.
    pub seconds: f64,
    pub has_sound: bool,
}

/// The purpose of a call: the same request has the same one, and another take another.
pub(super) fn purpose(what: &str, request: &impl Serialize) -> String {
    let hash = Sha256::digest(serde_json::to_vec(request).unwrap_or_default());
    format!("{what}/{:016x}", hash.iter().take(8).fold(0_u64, |all, byte| all << 8 | u64::from(*byte)))
}

fn used(seconds: f64) -> Usage {
    Usage { audio_seconds: seconds, ..Usage::default() }
}

/// What an answer says that it cost: `"cost": {"amount": 0.3, "currency": "USD"}`. In another currency than this one it could
/// not be held against anything, and is passed over.
fn told(answer: &Value, currency: &str) -> Option<Cost> {
    let cost = &answer["cost"];
    let amount = cost["amount"].as_f64().filter(|amount| (0.0..=MOST_TOLD).contains(amount))?;
    let is_ours = cost["currency"].as_str().is_some_and(|told| told.eq_ignore_ascii_case(currency));
    is_ours.then(|| Cost { micros: (amount * 1e6).round() as i64, currency: currency.to_owned() })
}

impl ExpertClient {
    /// What so many seconds of sound will cost, by the prices of the settings.
    pub(super) fn estimate(&self, seconds: f64) -> Option<Cost> {
        self.prices.as_ref()?.cost(&used(seconds))
    }

    /// What was used and what it cost: as the answer says, else by the prices of the settings.
    pub(super) fn charge(&self, answer: &Value, seconds: f64) -> (Usage, Option<Cost>) {
        let Some(prices) = &self.prices else { return (Usage::default(), None) };
        let usage = used(seconds);
        (usage, told(answer, &prices.currency).or_else(|| prices.cost(&usage)))
    }

    /// Sends what may be paid for, and passes a success on.
    ///
    /// # Errors
    /// `Unanswered` where it may have been done all the same.
    pub(super) async fn paid(&self, request: Request) -> Result<Answer, CallError> {
        let answer = request.send().await.map_err(|error| {
            let failure = self.blame.away(&error);
            if error.may_have_arrived() { CallError::Unanswered(failure) } else { CallError::Refused(failure) }
        })?;
        self.blame.accepted_as_paid(answer).await
    }

    /// What a stage answers, as a `T`, and its sound where it has one.
    pub(super) async fn stage<T: DeserializeOwned + Send + 'static>(
        &self,
        request: Request,
        of: StageCall<'_>,
        call: &ProviderCall<'_>,
    ) -> Result<(T, Option<Bytes>), Stop> {
        let StageCall { purpose, seconds, has_sound } = of;
        if self.prices.is_none() {
            return match self.accepted(request).await {
                Ok(answer) => Ok(self.read(self.parts(answer, has_sound).await?)?),
                Err(failure) => Err(self.stopped(failure).await),
            };
        }
        let made = Call {
            provider: &call.provider,
            credential: "default",
            purpose,
            estimate: self.estimate(seconds),
            // Also without prices: its answer may tell what it has cost.
            may_repeat: false,
        };
        let client = self.clone();
        let make: Make<'static> =
            Box::new(move |_| Box::pin(async move { client.stage_answered::<T>(request, seconds, has_sound).await }));
        let answer = match call.paid_once(made, make).await {
            // Refused: it may have no such stage.
            Err(Stop::Failed(failure)) => return Err(self.stopped(failure).await),
            answer => answer?,
        };
        let parts = kept(answer).await?;
        self.read(parts.ok_or_else(|| self.garbled())?).map_err(Stop::GivenUp)
    }

    async fn stage_answered<T: DeserializeOwned + Send>(
        &self,
        request: Request,
        seconds: f64,
        has_sound: bool,
    ) -> Result<Answered, CallError> {
        let answer = self.paid(request).await?;
        // It was made, and is lost on its way.
        let Parts { json, sound } = self.parts(answer, has_sound).await.map_err(CallError::Unanswered)?;
        if serde_json::from_slice::<T>(&json).is_err() {
            return Err(CallError::Unanswered(self.garbled()));
        }
        let told: Value = serde_json::from_slice(&json).unwrap_or_default();
        let (usage, cost) = self.charge(&told, seconds);
        let mut files = vec![written(json.to_vec()).await?];
        if let Some(sound) = sound {
            files.push(written(sound.to_vec()).await?);
        }
        Ok(Answered { value: Value::Null, files, usage, cost })
    }

    fn read<T: DeserializeOwned>(&self, Parts { json, sound }: Parts) -> Result<(T, Option<Bytes>), Failure> {
        Ok((serde_json::from_slice(&json).map_err(|_| self.garbled())?, sound))
    }
}

/// The parts of an answer that the log has kept; `None` where it has none.
async fn kept(answer: calls::Answer) -> Result<Option<Parts>, Failure> {
    let read = move || {
        let bytes = |file: &AudioInput| -> Result<Bytes, Failure> {
            let mut bytes = Vec::new();
            file.reopen()?.read_to_end(&mut bytes).map_err(|error| local(&error))?;
            Ok(Bytes::from(bytes))
        };
        answer.files.iter().map(bytes).collect::<Result<Vec<_>, _>>()
    };
    let mut files = blocking(read).await??.into_iter();
    Ok(files.next().map(|json| Parts { json, sound: files.next() }))
}

/// A file with these bytes, at its start.
pub(super) async fn written(bytes: Vec<u8>) -> Result<File, CallError> {
    let write = move || {
        let mut file = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        file.rewind()?;
        Ok(file)
    };
    let written: io::Result<File> = blocking(write).await.map_err(CallError::Unanswered)?;
    written.map_err(|error| CallError::Unanswered(local(&error)))
}

pub(super) fn local(error: &io::Error) -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::Storage, format!("a file for an answer: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cost_is_believed_in_the_currency_of_the_settings_and_within_bounds() {
        let check = |cost: Value, micros: Option<i64>| {
            let told = told(&json!({ "cost": cost }), "USD").map(|cost| cost.micros);
            assert_eq!(told, micros, "{cost}");
        };
        check(json!({"amount": 0.3, "currency": "USD"}), Some(300_000));
        check(json!({"amount": 0, "currency": "usd"}), Some(0));
        check(json!({"amount": 0.3, "currency": "EUR"}), None);
        check(json!({"amount": -0.3, "currency": "USD"}), None);
        check(json!({"amount": 1e9, "currency": "USD"}), None);
        check(json!({"amount": "0.3", "currency": "USD"}), None);
        check(json!({"amount": 0.3}), None);
        check(json!(0.3), None);
        check(Value::Null, None);
    }
}
