//! Who may call: whoever has the key, where there is one, and of the older routes nobody too often.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest,
    http::{Method, header::AUTHORIZATION},
};
use settings::{ExpertSettings, Secret};
use subtle::ConstantTimeEq as _;

use crate::refusal::Refusal;

/// The stretch of time that starts are counted in.
const WINDOW: Duration = Duration::from_secs(60);
/// Clients that are remembered at once. Where there are more, those that have been away for a minute are forgotten, and then
/// whoever is new is let in uncounted: an attacker with that many addresses is not stopped by counting them.
const MAX_CLIENTS: usize = 10_000;
/// Routes that are limited.
const LIMITED: [&str; 3] = ["/melody-to-vocals", "/generate", "/train"];
/// What probes and scrapers ask for without a key.
const OPEN: [&str; 3] = ["/", "/health", "/metrics"];
/// A file is found by an id that nobody guesses, by players that send no header.
const FILES: &str = "/files/";

/// The rules, and who has been here.
pub struct Admission {
    key: Option<Secret<String>>,
    rate_per_minute: Option<u32>,
    starts: Mutex<HashMap<IpAddr, VecDeque<Instant>>>,
}

impl Admission {
    pub fn new(settings: &ExpertSettings) -> Self {
        Self { key: settings.api_key.clone(), rate_per_minute: settings.rate_per_minute, starts: Mutex::default() }
    }

    /// # Errors
    /// 401 without the key, 429 where a client has started too much in the last minute.
    pub fn check(&self, request: &HttpRequest) -> Result<(), Refusal> {
        let path = request.path();
        if OPEN.contains(&path) || path.starts_with(FILES) {
            return Ok(());
        }
        self.check_key(request)?;
        let client = request.peer_addr().map(|address| address.ip());
        match client.filter(|_| request.method() == Method::POST && LIMITED.contains(&path)) {
            Some(client) => self.count(client, Instant::now()).map_err(Refusal::too_often),
            None => Ok(()),
        }
    }

    /// Whether callers show a key of this service.
    pub const fn has_key(&self) -> bool {
        self.key.is_some()
    }

    fn check_key(&self, request: &HttpRequest) -> Result<(), Refusal> {
        let Some(key) = &self.key else { return Ok(()) };
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        match header.and_then(bearer) {
            Some(token) if token.as_bytes().ct_eq(key.expose().as_bytes()).into() => Ok(()),
            _ => Err(Refusal::unauthorized()),
        }
    }

    /// Counts a start, or says when the next one is free.
    fn count(&self, client: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(limit) = self.rate_per_minute else { return Ok(()) };
        let client = of_network(client);
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |start: &Instant| now.saturating_duration_since(*start) >= WINDOW;
        if starts.len() >= MAX_CLIENTS && !starts.contains_key(&client) {
            starts.retain(|_, own| own.back().is_some_and(|last| !is_over(last)));
            if starts.len() >= MAX_CLIENTS {
                return Ok(());
            }
        }
        let own = starts.entry(client).or_default();
        while own.front().is_some_and(is_over) {
            own.pop_front();
        }
        match own.front() {
            Some(oldest) if own.len() >= limit as usize => Err(WINDOW - now.saturating_duration_since(*oldest)),
            _ => {
                own.push_back(now);
                Ok(())
            }
        }
    }
}

/// The token of a header such as `Bearer TOKEN`; `None` of another scheme's.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// One household of IPv6 has a whole network of addresses.
fn of_network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(rate_per_minute: Option<u32>) -> Admission {
        Admission { key: None, rate_per_minute, starts: Mutex::default() }
    }

    #[test]
    fn starts_are_counted_for_each_client_and_the_window_slides() {
        let admission = admission(Some(2));
        let begun = Instant::now();
        let check = |client: &str, second: u64, expected: Result<(), u64>| {
            let told = admission.count(client.parse().unwrap(), begun + Duration::from_secs(second));
            assert_eq!(told, expected.map_err(Duration::from_secs), "{client} at {second} s");
        };
        check("10.0.0.1", 0, Ok(()));
        check("10.0.0.1", 20, Ok(()));
        check("10.0.0.1", 30, Err(30));
        check("::ffff:10.0.0.1", 30, Err(30));
        check("10.0.0.2", 30, Ok(()));
        check("10.0.0.1", 60, Ok(()));
        check("10.0.0.1", 61, Err(19));
        check("2001:db8::1", 61, Ok(()));
        check("2001:db8::2", 61, Ok(()));
        check("2001:db8::3", 61, Err(60));
        check("2001:db8:0:1::3", 61, Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let admission = admission(Some(1));
        let begun = Instant::now();
        for client in 0..MAX_CLIENTS as u32 {
            admission.count(IpAddr::V4(client.into()), begun).unwrap();
        }
        let late = begun + Duration::from_secs(30);
        for _ in 0..3 {
            assert_eq!(admission.count("10.255.0.1".parse().unwrap(), late), Ok(()), "not remembered");
        }
        assert_eq!(admission.starts.lock().unwrap().len(), MAX_CLIENTS);
        admission.count("10.255.0.1".parse().unwrap(), begun + WINDOW).unwrap();
        assert_eq!(admission.starts.lock().unwrap().len(), 1, "the others have been away for a minute");
    }

    #[test]
    fn without_a_limit_nobody_is_counted() {
        let admission = admission(None);
        for _ in 0..100 {
            assert_eq!(admission.count("10.0.0.1".parse().unwrap(), Instant::now()), Ok(()));
        }
        assert!(admission.starts.lock().unwrap().is_empty());
    }
}
