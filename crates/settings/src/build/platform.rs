//! How to run, where things are, who may come in, how jobs are worked on.

use std::{net::IpAddr, path::Path, path::PathBuf, thread, time::Duration};

use url::Url;

use crate::{
    database_url,
    reader::{Reader, plain_url},
    secret::Secret,
    sections::*,
};

/// A year: longer spans of time are slips.
pub(super) const LONGEST_MS: u64 = 365 * 24 * 3600 * 1000;
/// RFC 7518, section 3.2: a key of HS256 has at least as many bytes as the hash.
const LEAST_SECRET_BYTES: usize = 32;

pub fn mode(reader: &mut Reader) -> Mode {
    let words = [("auto", None), ("embedded", Some(Mode::Embedded)), ("distributed", Some(Mode::Distributed))];
    let broker = reader.is_given("rabbitmq.url");
    let mode = match reader.word("mode", &words).flatten() {
        Some(mode) => mode,
        None if broker => Mode::Distributed,
        None => Mode::Embedded,
    };
    if mode == Mode::Embedded && broker {
        reader.notices.push("rabbitmq.url is ignored: mode is embedded".to_owned());
    }
    if mode == Mode::Distributed && !broker {
        reader.missing("rabbitmq.url", "the distributed mode needs a broker");
    }
    mode
}

pub fn data_dir(reader: &mut Reader) -> PathBuf {
    // A question mark would begin the parameters of the database's address.
    let usable = |text: &str| (!text.is_empty() && !text.contains('?')).then(|| PathBuf::from(text));
    reader.parsed("data_dir", usable).unwrap_or_default()
}

pub fn http(reader: &mut Reader) -> HttpSettings {
    HttpSettings {
        host: reader.host("http.host"),
        port: reader.needed("http.port", 0..=u16::MAX),
        public_url: reader.base_url("http.public_url"),
        cors_origins: cors_origins(reader, "http.cors_origins"),
        allowed_hosts: reader.list("http.allowed_hosts", host_name).unwrap_or_default(),
        upload_concurrency: reader.needed("http.upload_concurrency", 1..=100_000),
        health_port: reader.needed("http.health_port", 0..=u16::MAX),
        event_keepalive: reader.millis("http.event_keepalive_ms", 1..=LONGEST_MS),
        drain: reader.millis("http.drain_ms", 1..=LONGEST_MS),
    }
}

pub(super) fn cors_origins(reader: &mut Reader, path: &str) -> Vec<String> {
    let origin = |text: &str| {
        let is_origin = || Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text);
        (text == "*" || is_origin()).then(|| text.to_owned())
    };
    let origins = reader.list(path, origin).unwrap_or_default();
    if origins.len() > 1 && origins.iter().any(|origin| origin == "*") {
        reader.wrong(path, None);
    }
    origins
}

/// As a browser writes it into `Host`, without a port. A wildcard would open the door that this setting is in.
fn host_name(text: &str) -> Option<String> {
    let url = Url::parse(&format!("http://{text}/")).ok()?;
    let alone = !text.contains(['@', '/', '\\', '?', '#', '*']) && url.port().is_none() && !text.ends_with(":80");
    url.host_str().filter(|_| alone).map(|host| host.trim_end_matches('.').to_owned())
}

pub fn database(reader: &mut Reader, mode: Mode, data_dir: &Path) -> DatabaseSettings {
    let given = reader.parsed("database.url", database_url::parse);
    let connections = reader.needed("database.max_connections", 1..=1000);
    let backend = given.as_ref().map(|given| given.backend);
    if mode == Mode::Distributed {
        if !reader.is_given("database.url") {
            reader.missing("database.url", "the distributed mode needs PostgreSQL");
        } else if backend == Some(DatabaseBackend::Sqlite) {
            let expected = "postgres://USER:PASSWORD@HOST/NAME, because several processes share the rows";
            reader.wrong("database.url", Some(expected));
        }
    }
    let limit = given.as_ref().and_then(|given| given.connection_limit);
    DatabaseSettings {
        backend: backend.unwrap_or(DatabaseBackend::Sqlite),
        max_connections: match limit {
            Some(limit) if !reader.is_given("database.max_connections") => limit,
            _ => connections,
        },
        url: Secret::new(match given {
            Some(given) => given.url,
            None => format!("sqlite:{}", data_dir.join("descant.db").display()),
        }),
    }
}

pub fn rabbitmq(reader: &mut Reader) -> Option<RabbitSettings> {
    let url = reader.parsed("rabbitmq.url", |text| {
        let url = Url::parse(text.trim()).ok()?;
        let usable = matches!(url.scheme(), "amqp" | "amqps") && url.has_host() && url.fragment().is_none();
        usable.then(|| text.trim().to_owned())
    });
    let prefetch = reader.needed("rabbitmq.prefetch", 1..=u16::MAX);
    url.map(|url| RabbitSettings { url: Secret::new(url), prefetch })
}

#[derive(Clone, Copy, PartialEq)]
enum Backend {
    Folder,
    S3,
}

pub fn objects(reader: &mut Reader, mode: Mode, data_dir: &Path) -> ObjectSettings {
    let words = [("auto", None), ("folder", Some(Backend::Folder)), ("s3", Some(Backend::S3))];
    let backend = reader.word("objects.backend", &words).flatten().unwrap_or(match mode {
        Mode::Embedded => Backend::Folder,
        Mode::Distributed => Backend::S3,
    });
    if mode == Mode::Distributed && backend == Backend::Folder {
        reader.wrong("objects.backend", Some("s3, because the services share the objects and not a disk"));
    }
    let path = reader.text("objects.path").map(PathBuf::from);
    let s3 = s3(reader, backend == Backend::S3);
    ObjectSettings {
        store: match backend {
            Backend::Folder => ObjectStore::Folder { path: path.unwrap_or_else(|| data_dir.join("objects")) },
            Backend::S3 => ObjectStore::S3(s3),
        },
        presign: Duration::from_secs(reader.needed("objects.presign_seconds", 1..=604_800)),
        part_size_bytes: reader.needed("objects.part_size_bytes", 5 * 1024 * 1024..=1024 * 1024 * 1024),
    }
}

fn s3(reader: &mut Reader, needed: bool) -> S3Settings {
    let endpoint = reader.base_url("objects.s3_endpoint");
    let region = reader.text("objects.s3_region").unwrap_or_default();
    let bucket = reader.parsed("objects.s3_bucket", |name| {
        let edges = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inside = |c: char| edges(c) || c == '.' || c == '-';
        let fits = (3..=63).contains(&name.len()) && name.chars().all(inside);
        (fits && name.starts_with(edges) && name.ends_with(edges)).then(|| name.to_owned())
    });
    let access_key_id = reader.text("objects.s3_access_key_id");
    let secret_access_key = reader.text("objects.s3_secret_access_key");
    let path_style = reader.flag("objects.s3_path_style").unwrap_or(endpoint.is_some());
    if needed {
        for path in ["objects.s3_bucket", "objects.s3_access_key_id", "objects.s3_secret_access_key"] {
            if !reader.is_given(path) {
                reader.missing(path, "objects are kept in S3");
            }
        }
    }
    S3Settings {
        endpoint,
        region,
        bucket: bucket.unwrap_or_default(),
        access_key_id: Secret::new(access_key_id.unwrap_or_default()),
        secret_access_key: Secret::new(secret_access_key.unwrap_or_default()),
        path_style,
    }
}

pub fn auth(reader: &mut Reader, mode: Mode) -> AuthSettings {
    AuthSettings {
        mode: auth_mode(reader, mode),
        issuer: reader.text("auth.issuer"),
        audience: reader.text("auth.audience"),
        leeway: Duration::from_secs(reader.needed("auth.leeway_seconds", 0..=600)),
        tier_claim: reader.text("auth.tier_claim").unwrap_or_default(),
        role_claim: reader.text("auth.role_claim").unwrap_or_default(),
        admin_role: reader.text("auth.admin_role").unwrap_or_default(),
        operator_token: reader.parsed("auth.operator_token", long_enough).map(Secret::new),
    }
}

fn long_enough(text: &str) -> Option<String> {
    (text.len() >= LEAST_SECRET_BYTES).then(|| text.to_owned())
}

#[derive(Clone, Copy)]
enum Scheme {
    None,
    Hs256,
    Jwks,
}

fn auth_mode(reader: &mut Reader, mode: Mode) -> AuthMode {
    let words = [("none", Scheme::None), ("hs256", Scheme::Hs256), ("jwks", Scheme::Jwks)];
    let scheme = reader.word("auth.mode", &words);
    let secret = reader.parsed("auth.secret", long_enough);
    let url = reader.parsed("auth.jwks_url", jwks_url);
    let (has_secret, has_url) = (reader.is_given("auth.secret"), reader.is_given("auth.jwks_url"));
    let scheme = match (scheme, has_secret, has_url) {
        (Some(scheme), ..) => scheme,
        (None, true, false) => Scheme::Hs256,
        (None, false, true) => Scheme::Jwks,
        (None, true, true) => {
            if reader.are_good(&["auth.mode"]) {
                reader.missing("auth.mode", "auth.secret and auth.jwks_url are both set");
            }
            Scheme::Hs256
        }
        (None, false, false) => Scheme::None,
    };
    match scheme {
        Scheme::None if mode == Mode::Distributed && reader.are_good(&["auth.mode"]) => {
            if reader.is_given("auth.mode") {
                reader.wrong("auth.mode", Some("hs256 or jwks, because the distributed mode has users"));
            } else {
                reader.missing("auth.mode", "the distributed mode has users: set auth.secret or auth.jwks_url");
            }
            AuthMode::None
        }
        Scheme::None => AuthMode::None,
        Scheme::Hs256 => {
            if !has_secret {
                reader.missing("auth.secret", "auth.mode is hs256");
            }
            AuthMode::Hs256 { secret: Secret::new(secret.unwrap_or_default()) }
        }
        Scheme::Jwks => jwks(reader, url, has_url),
    }
}

fn jwks(reader: &mut Reader, url: Option<Url>, has_url: bool) -> AuthMode {
    if !has_url {
        reader.missing("auth.jwks_url", "auth.mode is jwks");
    }
    for path in ["auth.issuer", "auth.audience"] {
        if !reader.is_given(path) {
            let claim = path.trim_start_matches("auth.");
            reader
                .notices
                .push(format!("{path} is not set: a token for any {claim} signed with those keys is accepted"));
        }
    }
    match url {
        Some(url) => AuthMode::Jwks { url },
        // Reported above or as unreadable; the settings are thrown away.
        None => AuthMode::None,
    }
}

/// Whoever can change the keys on their way can be anybody, so plain http stays on this machine.
fn jwks_url(text: &str) -> Option<Url> {
    let url = plain_url(text)?;
    let local = || match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    };
    let safe = url.scheme() == "https" || (url.scheme() == "http" && local());
    safe.then_some(url)
}

pub fn jobs(reader: &mut Reader) -> JobSettings {
    let jobs = JobSettings {
        concurrency: reader.needed("jobs.concurrency", 1..=1000),
        rate_per_minute: reader.needed("jobs.rate_per_minute", 1..=u32::MAX),
        deadline: reader.millis("jobs.deadline_ms", 1..=LONGEST_MS),
        max_attempts: reader.needed("jobs.max_attempts", 1..=100),
        retry_base: reader.millis("jobs.retry_base_ms", 1..=LONGEST_MS),
        retry_cap: reader.millis("jobs.retry_cap_ms", 1..=LONGEST_MS),
        lease: reader.millis("jobs.lease_ms", 1..=LONGEST_MS),
        heartbeat: reader.millis("jobs.heartbeat_ms", 1..=LONGEST_MS),
        reconcile: reader.millis("jobs.reconcile_ms", 1..=LONGEST_MS),
        cancel_poll: reader.millis("jobs.cancel_poll_ms", 1..=1000),
        outbox_poll: reader.millis("jobs.outbox_poll_ms", 1..=LONGEST_MS),
    };
    // One lost heartbeat must not cost the lease.
    if reader.are_good(&["jobs.lease_ms", "jobs.heartbeat_ms"]) && jobs.heartbeat * 2 > jobs.lease {
        reader.wrong("jobs.heartbeat_ms", None);
    }
    if reader.are_good(&["jobs.retry_base_ms", "jobs.retry_cap_ms"]) && jobs.retry_base > jobs.retry_cap {
        reader.wrong("jobs.retry_base_ms", Some("at most jobs.retry_cap_ms"));
    }
    jobs
}

pub fn providers(reader: &mut Reader) -> ProviderSettings {
    let threads: usize = reader.needed("providers.engine_threads", 0..=256);
    ProviderSettings {
        expert_url: reader.base_url("providers.expert_url"),
        call_timeout: reader.millis("providers.call_timeout_ms", 1..=LONGEST_MS),
        call_attempts: reader.needed("providers.call_attempts", 1..=100),
        call_base: reader.millis("providers.call_base_ms", 1..=LONGEST_MS),
        breaker_threshold: reader.needed("providers.breaker_threshold", 1..=u32::MAX),
        breaker_open: reader.millis("providers.breaker_open_ms", 1..=LONGEST_MS),
        offline_fallback: reader.flag("providers.offline_fallback").unwrap_or(true),
        engine_threads: match threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        },
    }
}

pub fn engine(reader: &mut Reader, data_dir: &Path) -> EngineSettings {
    let words = F0Tracker::ALL.map(|tracker| (tracker.as_str(), tracker));
    EngineSettings {
        f0_tracker: reader.word("engine.f0_tracker", &words).unwrap_or_default(),
        models_dir: reader.text("engine.models_dir").map_or_else(|| data_dir.join("models"), PathBuf::from),
        speech: match reader.text("engine.speech").as_deref() {
            None | Some("auto") => SpeechSetting::Auto,
            Some("off") => SpeechSetting::Off,
            Some(path) => SpeechSetting::At(path.into()),
        },
        soundfont: reader.text("engine.soundfont").map(PathBuf::from),
    }
}

pub fn log(reader: &mut Reader, mode: Mode) -> LogSettings {
    let words = [("auto", None), ("json", Some(LogFormat::Json)), ("pretty", Some(LogFormat::Pretty))];
    LogSettings {
        level: reader.parsed("log.level", log_level).unwrap_or_default(),
        format: reader.word("log.format", &words).flatten().unwrap_or(match mode {
            Mode::Embedded => LogFormat::Pretty,
            Mode::Distributed => LogFormat::Json,
        }),
    }
}

/// A level, or directives each of which is a level or `target=level`.
fn log_level(text: &str) -> Option<String> {
    let level = |word: &str| match word.to_ascii_lowercase().as_str() {
        "warning" => Some("warn".to_owned()),
        "critical" | "fatal" => Some("error".to_owned()),
        known @ ("trace" | "debug" | "info" | "warn" | "error" | "off") => Some(known.to_owned()),
        _ => None,
    };
    let target = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
    let directive = |text: &str| match text.split_once('=') {
        None => level(text),
        Some((name, word)) => target(name).then(|| level(word)).flatten().map(|word| format!("{name}={word}")),
    };
    let directives: Option<Vec<String>> = text.split(',').map(|part| directive(part.trim())).collect();
    directives.map(|directives| directives.join(","))
}
