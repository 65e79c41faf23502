//! Settings as a whole: what is read, what is refused, and what is said about it.

use std::{path::PathBuf, time::Duration};

use domain::{
    Tier,
    audio::{AudioFormat, AudioLimits},
    quality::QualityGate,
    quota::QuotaLimits,
    retention::RetentionPolicy,
    retry::RetryPolicy,
};
use settings::{
    AuthMode, DatabaseBackend, F0Tracker, LoadOptions, LogFormat, Mode, ObjectStore, Problem, Settings, Vendor,
    VendorKind,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub fn env(variables: &[(&str, &str)]) -> LoadOptions {
    let env = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    LoadOptions { env, ..LoadOptions::default() }
}

pub fn with_env(variables: &[(&str, &str)]) -> Settings {
    Settings::load(&env(variables)).unwrap_or_else(|errors| panic!("{errors}"))
}

pub fn problems(options: &LoadOptions) -> Vec<Problem> {
    Settings::load(options).expect_err("there are problems").0
}

pub fn keys(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.key.as_str()).collect()
}

/// A file that goes when the guard goes.
fn file(text: &str) -> (tempfile::TempDir, LoadOptions) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("descant.toml");
    std::fs::write(&path, text).unwrap();
    (folder, LoadOptions { file: Some(path), ..LoadOptions::default() })
}

const DISTRIBUTED: &[(&str, &str)] = &[
    ("RABBITMQ_URL", "amqp://guest:guest@mq/%2f"),
    ("DATABASE_URL", "postgres://descant:pass@db/descant"),
    ("S3_BUCKET", "songs"),
    ("S3_ACCESS_KEY_ID", "key"),
    ("S3_SECRET_ACCESS_KEY", "secret"),
    ("DESCANT_AUTH__SECRET", SECRET),
];

fn distributed(further: &[(&str, &str)]) -> LoadOptions {
    env(&[DISTRIBUTED, further].concat())
}

#[test]
fn nothing_set_is_the_embedded_mode_with_the_defaults_of_the_domain() {
    let settings = with_env(&[]);
    assert_eq!(settings.mode, Mode::Embedded);
    assert_eq!((settings.http.address().to_string(), settings.expert.port), ("127.0.0.1:3000".to_owned(), 8003));
    assert_eq!(settings.database.backend, DatabaseBackend::Sqlite);
    assert_eq!(settings.database.url.expose(), "sqlite:./descant-data/descant.db");
    assert_eq!(settings.objects.store, ObjectStore::Folder { path: PathBuf::from("./descant-data/objects") });
    assert_eq!((settings.auth.mode.clone(), settings.rabbitmq.clone()), (AuthMode::None, None));
    let retry = RetryPolicy { max_attempts: 3, base: Duration::from_secs(5), cap: Duration::from_secs(300) };
    assert_eq!(settings.jobs.retry_policy(), retry);
    assert_eq!(settings.providers.retry_policy(), RetryPolicy::PROVIDER_CALL);
    assert_eq!((settings.jobs.concurrency, settings.jobs.rate_per_minute), (3, 10));
    assert_eq!(settings.jobs.deadline, Duration::from_secs(300));
    assert_eq!(settings.providers.call_timeout, Duration::from_secs(180));
    assert_eq!(settings.providers.breaker_open, Duration::from_secs(60));
    assert!(settings.providers.engine_threads >= 1);
    for tier in Tier::ALL {
        assert_eq!(settings.audio_limits(tier), &AudioLimits::default(), "{tier}");
        assert_eq!(settings.quota(tier), QuotaLimits::for_tier(tier), "{tier}");
    }
    assert_eq!(settings.retention_policy(), RetentionPolicy::default());
    assert_eq!(settings.quality_gate(), &QualityGate::default());
    assert_eq!((settings.log.level.as_str(), settings.log.format), ("info", LogFormat::Pretty));
    assert_eq!(settings.notices, Vec::<String>::new());
}

#[test]
fn the_seeds_variables_keep_working() {
    let settings = with_env(&[
        ("DATABASE_URL", "file:./dev.db?connection_limit=1&timeout=30"),
        ("EXPERT_MUSIC_AI_URL", "http://localhost:8003"),
        ("EXPERT_MUSIC_AI_PORT", "8004"),
        ("MELODY_VOCALS_TIMEOUT", "240000"),
        ("MELODY_VOCALS_RETRIES", "5"),
        ("CIRCUIT_BREAKER_THRESHOLD", "7"),
        ("CIRCUIT_BREAKER_TIMEOUT", "30000"),
        ("QUEUE_CONCURRENCY", "6"),
        ("QUEUE_RATE_LIMIT", "60"),
        ("LOG_LEVEL", "INFO"),
        ("REDIS_HOST", "localhost"),
        ("REDIS_PORT", "6379"),
        ("MUSIC_GENERATION_PROVIDER", "udio"),
        ("PATH", "/bin"),
    ]);
    assert_eq!(settings.database.url.expose(), "file:./dev.db?timeout=30");
    assert_eq!((settings.database.backend, settings.database.max_connections), (DatabaseBackend::Sqlite, 1));
    assert_eq!(settings.providers.expert_url.as_ref().map(|url| url.as_str()), Some("http://localhost:8003/"));
    assert_eq!(settings.expert.port, 8004);
    assert_eq!(settings.providers.call_timeout, Duration::from_secs(240));
    assert_eq!((settings.providers.call_attempts, settings.providers.breaker_threshold), (5, 7));
    assert_eq!(settings.providers.breaker_open, Duration::from_secs(30));
    assert_eq!((settings.jobs.concurrency, settings.jobs.rate_per_minute), (6, 60));
    assert_eq!(settings.log.level, "info");
    assert_eq!(settings.notices.len(), 3, "{:?}", settings.notices);
    assert!(settings.notices.iter().all(|notice| notice.contains("is ignored")), "{:?}", settings.notices);
}

#[test]
fn the_older_routes_of_the_expert_service_have_the_limits_that_their_clients_know() {
    let expert = with_env(&[]).expert;
    assert_eq!((expert.max_size_bytes, expert.rate_per_minute), (10 * 1024 * 1024, Some(10)));
    let formats: Vec<&str> = expert.allowed_formats.iter().map(|format| format.as_str()).collect();
    assert_eq!(formats, ["mp3", "wav", "m4a", "flac"]);
    let timeouts = [expert.pitch_timeout, expert.lyrics_timeout, expert.vocals_timeout];
    assert_eq!(timeouts, [30, 60, 300].map(Duration::from_secs));
    assert_eq!((expert.api_key, expert.cors_origins.len(), expert.file_links), (None, 0, false));

    let expert = with_env(&[
        ("EXPERT_API_KEY", "0123456789abcdef"),
        ("DESCANT_EXPERT__RATE_PER_MINUTE", "unlimited"),
        ("DESCANT_EXPERT__CORS_ORIGINS", "http://localhost:3000,http://localhost:5173"),
        ("DESCANT_EXPERT__TRAINING_URL", "https://music.example.org/api/v1/jobs/training"),
    ])
    .expert;
    assert_eq!(expert.api_key.unwrap().expose(), "0123456789abcdef");
    assert_eq!((expert.rate_per_minute, expert.cors_origins.len()), (None, 2));
    assert!(expert.training_url.is_some());
}

#[test]
fn the_systematic_variable_is_the_strongest_and_an_empty_one_is_none() {
    let settings = with_env(&[
        ("QUEUE_CONCURRENCY", "6"),
        ("DESCANT_JOBS__CONCURRENCY", "7"),
        ("QUEUE_RATE_LIMIT", "9"),
        ("DESCANT_JOBS__RATE_PER_MINUTE", ""),
        ("DESCANT_DATABASE__MAX_CONNECTIONS", "4"),
        ("DATABASE_URL", "sqlite:x.db?connection_limit=9"),
    ]);
    assert_eq!((settings.jobs.concurrency, settings.jobs.rate_per_minute), (7, 9));
    assert_eq!(settings.database.max_connections, 4);
    assert_eq!(
        settings.notices,
        ["variable QUEUE_CONCURRENCY is ignored: DESCANT_JOBS__CONCURRENCY is set too and is stronger"]
    );
}

#[test]
fn each_layer_is_stronger_than_the_one_before() {
    let (_folder, mut options) =
        file("data_dir = \"from-file\"\n[http]\nport = 1\nupload_concurrency = 4\nhealth_port = 1");
    options.env = env(&[("DESCANT_HTTP__PORT", "2"), ("DESCANT_HTTP__HEALTH_PORT", "2")]).env;
    let settings = Settings::load(&options.with("http.port", "3")).unwrap();
    let http = &settings.http;
    assert_eq!((http.port, http.health_port, http.upload_concurrency), (3, 2, 4));
    assert_eq!(settings.data_dir, PathBuf::from("from-file"));
}

#[test]
fn the_file_may_be_named_by_a_variable() {
    let (_folder, options) = file("[jobs]\nconcurrency = 11");
    let path = options.file.unwrap().into_os_string().into_string().unwrap();
    assert_eq!(with_env(&[("DESCANT_CONFIG", &path)]).jobs.concurrency, 11);
}

#[test]
fn a_tier_overrides_only_what_it_names() {
    let (_folder, mut options) = file(
        "[audio]\nmin_duration_seconds = 2\n[audio.tiers.premium]\nmax_size_bytes = 104_857_600\n\
         max_duration_seconds = 600.0\nallowed_formats = [\"wav\", \"flac\"]\nrequire_stereo = true\nrecommend_stereo = true\n\
         min_sample_rate_hz = 44100\n[quota.free]\ndaily = \"unlimited\"\n[quota.enterprise]\nmonthly = 5000\n",
    );
    options.env = env(&[
        ("DESCANT_AUDIO__TIERS__ENTERPRISE__ALLOWED_FORMATS", "flac, WAV"),
        ("DESCANT_QUOTA__PREMIUM__DAILY", "-1"),
    ])
    .env;
    let settings = Settings::load(&options).unwrap();
    let base = AudioLimits { min_duration_seconds: 2.0, ..AudioLimits::default() };
    let lossless = [AudioFormat::Wav, AudioFormat::Flac];
    assert_eq!(settings.audio_limits(Tier::Free), &base);
    let premium = AudioLimits {
        max_size_bytes: 100 * 1024 * 1024,
        max_duration_seconds: 600.0,
        allowed_formats: lossless.into(),
        require_stereo: true,
        recommend_stereo: true,
        min_sample_rate_hz: 44_100,
        ..base.clone()
    };
    assert_eq!(settings.audio_limits(Tier::Premium), &premium);
    assert_eq!(settings.audio_limits(Tier::Enterprise), &AudioLimits { allowed_formats: lossless.into(), ..base });
    assert_eq!(settings.quota(Tier::Free), QuotaLimits { daily: None, monthly: Some(100) });
    assert_eq!(settings.quota(Tier::Premium), QuotaLimits { daily: None, monthly: Some(1000) });
    assert_eq!(settings.quota(Tier::Enterprise), QuotaLimits { daily: None, monthly: Some(5000) });
}

#[test]
fn all_problems_come_at_once_with_key_value_expectation_and_example() {
    let (_folder, mut options) = file("[http]\nport = 99999\nhost = \"example.org\"\n[jobs]\nconcurrency = [1]\n");
    options.env = env(&[
        ("LOG_LEVEL", "loud"),
        ("QUEUE_RATE_LIMIT", "0"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ("DESCANT_AUDIO__SEVERE_CLIPPING_SHARE", "NaN"),
        ("DESCANT_AUTH__SECRET", "short-hunter2"),
    ])
    .env;
    let found = problems(&options);
    let mut names = keys(&found);
    names.sort_unstable();
    let expected = [
        "audio.severe_clipping_share",
        "auth.secret",
        "database.url",
        "http.host",
        "http.port",
        "jobs.concurrency",
        "jobs.rate_per_minute",
        "log.level",
    ];
    assert_eq!(names, expected);
    let port = found.iter().find(|problem| problem.key == "http.port").unwrap();
    assert_eq!(port.given.as_deref(), Some("99999"));
    assert!(port.origin.ends_with("descant.toml"), "{}", port.origin);
    assert!(port.expected.contains("65535"), "{}", port.expected);
    assert_eq!(port.example, "port = 8080 under [http], or DESCANT_HTTP__PORT=8080");
    let rate = found.iter().find(|problem| problem.key == "jobs.rate_per_minute").unwrap();
    assert_eq!(rate.origin, "variable QUEUE_RATE_LIMIT");
    let report = Settings::load(&options).unwrap_err().to_string();
    assert!(report.starts_with("8 problems in the settings:\n"), "{report}");
    assert!(!report.contains("hunter2"), "{report}");
    assert!(report.contains("database.url = \"***\" (variable DATABASE_URL)"), "{report}");
}

#[test]
fn unknown_names_are_problems_and_the_nearest_known_one_is_named() {
    let (_folder, mut options) = file(
        "speed = 3\n\"http.port\" = 1\njobs = 5\n[http]\nprot = 1\n[auth]\nsecrett = \"hunter2\"\n[nonsense.x]\ny = 1",
    );
    options.env = env(&[
        ("DESCANT_HTTP__PROT", "hunter2"),
        ("DESCANT_HTTP_PORT", "1"),
        ("DESCANT_TEST_POSTGRES_URL", "postgres://test@127.0.0.1/postgres"),
        ("DESCANT_SERVER", "http://localhost:3000"),
        ("DESCANT_GATEWAY_PORT", "tcp://10.0.0.1:3000"),
        ("DESCANT_GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("DESCANT_GATEWAY_PORT_3000_TCP_ADDR", "10.0.0.1"),
    ])
    .env;
    let found = problems(&options);
    let said: Vec<_> = found.iter().map(|problem| (problem.key.as_str(), problem.expected.as_str())).collect();
    let unknown = "no such setting; docs/settings.md lists them all";
    assert_eq!(
        said,
        [
            ("auth.secrett", "no such setting; did you mean auth.secret?"),
            ("http.prot", "no such setting; did you mean http.port?"),
            ("http.port", "no such setting; did you mean http.port?"),
            ("jobs", "a table under the heading [jobs]"),
            ("nonsense", unknown),
            ("speed", unknown),
            ("DESCANT_HTTP_PORT", "no such setting; did you mean DESCANT_HTTP__PORT?"),
            ("DESCANT_HTTP__PROT", "no such setting; did you mean DESCANT_HTTP__PORT?"),
        ]
    );
    assert!(!format!("{found:?}").contains("hunter2"));
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_that_quotes_nothing() {
    let (_folder, broken) = file("[auth]\nsecret = \"hunter2\nmode = \"hs256\"\n");
    let found = problems(&broken);
    assert!(found[0].expected.starts_with("TOML: ") && found[0].expected.contains("line 2"), "{found:?}");
    assert!(!format!("{found:?}").contains("hunter2"));

    let absent = LoadOptions { file: Some("no/such/file.toml".into()), ..LoadOptions::default() };
    assert_eq!(keys(&problems(&absent)), ["file no/such/file.toml"]);
}

#[test]
fn a_broker_makes_it_distributed_and_everything_it_needs_is_asked_for() {
    let found = problems(&env(&[("RABBITMQ_URL", "amqp://mq")]));
    let mut names = keys(&found);
    names.sort_unstable();
    let expected =
        ["auth.mode", "database.url", "objects.s3_access_key_id", "objects.s3_bucket", "objects.s3_secret_access_key"];
    assert_eq!(names, expected);
    assert!(found.iter().all(|problem| !problem.example.is_empty()));

    let found = problems(&env(&[("DESCANT_MODE", "distributed"), ("DATABASE_URL", "sqlite:x.db")]));
    assert!(keys(&found).contains(&"rabbitmq.url") && keys(&found).contains(&"database.url"), "{found:?}");
}

#[test]
fn a_complete_distributed_set_is_accepted() {
    let settings = Settings::load(&distributed(&[
        ("DESCANT_HTTP__HOST", "0.0.0.0"),
        ("DESCANT_EXPERT__HOST", "::"),
        ("S3_ENDPOINT", "http://127.0.0.1:9000"),
        ("S3_REGION", "garage"),
        ("DESCANT_RABBITMQ__PREFETCH", "5"),
    ]))
    .unwrap();
    assert_eq!((settings.mode, settings.log.format), (Mode::Distributed, LogFormat::Json));
    let rabbit = settings.rabbitmq.as_ref().unwrap();
    assert_eq!((rabbit.url.expose().as_str(), rabbit.prefetch), ("amqp://guest:guest@mq/%2f", 5));
    let ObjectStore::S3(s3) = &settings.objects.store else { panic!("{:?}", settings.objects) };
    assert_eq!((s3.bucket.as_str(), s3.region.as_str(), s3.path_style), ("songs", "garage", true));
    assert_eq!(s3.secret_access_key.expose(), "secret");
    assert!(matches!(&settings.auth.mode, AuthMode::Hs256 { secret } if secret.expose() == SECRET));
    let shown = format!("{settings:?}");
    for hidden in [SECRET, "guest:guest", "descant:pass", "\"key\"", "\"secret\""] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
}

#[test]
fn the_other_clouds_variables_are_fallbacks() {
    let (mut options, aws) = (distributed(&[]), [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]);
    options.env.retain(|(name, _)| !name.contains("ACCESS_KEY"));
    options.env.extend(env(&aws).env);
    let settings = Settings::load(&options).unwrap();
    let ObjectStore::S3(s3) = settings.objects.store else { panic!("not S3") };
    assert_eq!((s3.access_key_id.expose().as_str(), s3.secret_access_key.expose().as_str()), ("a", "b"));
    assert!(!s3.path_style && s3.endpoint.is_none());
}

#[test]
fn without_users_only_a_loopback_address_is_listened_on() {
    for host in ["0.0.0.0", "::", "192.168.1.5"] {
        let found = problems(&env(&[("DESCANT_HTTP__HOST", host), ("DESCANT_EXPERT__HOST", host)]));
        assert_eq!(keys(&found), ["http.host", "expert.host"], "{host}");
        let settings = with_env(&[("DESCANT_HTTP__HOST", host), ("DESCANT_AUTH__SECRET", SECRET)]);
        assert!(!settings.http.host.is_loopback());
    }
    for host in ["localhost", "127.0.0.9", "::1", "[::1]"] {
        assert!(with_env(&[("DESCANT_HTTP__HOST", host)]).http.host.is_loopback(), "{host}");
    }
}

#[test]
fn there_is_no_insecure_way_to_be_distributed() {
    let without_secret = |further: &[(&str, &str)]| {
        let mut options = distributed(further);
        options.env.retain(|(name, _)| name != "DESCANT_AUTH__SECRET");
        options
    };
    let set = |options: &LoadOptions| keys(&problems(options)).join(" ");
    assert_eq!(set(&without_secret(&[])), "auth.mode");
    assert_eq!(set(&without_secret(&[("DESCANT_AUTH__MODE", "none")])), "auth.mode");
    assert_eq!(set(&without_secret(&[("DESCANT_AUTH__MODE", "hs256")])), "auth.secret");
    assert_eq!(set(&without_secret(&[("DESCANT_AUTH__MODE", "jwks")])), "auth.jwks_url");
    assert_eq!(set(&distributed(&[("DESCANT_AUTH__JWKS_URL", "https://id.example.org/keys")])), "auth.mode");
    assert_eq!(set(&distributed(&[("DESCANT_AUTH__SECRET", &SECRET[1..])])), "auth.secret");
    assert_eq!(set(&distributed(&[("DESCANT_OBJECTS__BACKEND", "folder")])), "objects.backend");
    for url in ["http://id.example.org/keys", "https://user:hunter2@id.example.org/keys", "ftp://localhost/keys"] {
        let options = without_secret(&[("DESCANT_AUTH__JWKS_URL", url)]);
        assert_eq!(set(&options), "auth.jwks_url", "{url}");
        assert!(!Settings::load(&options).unwrap_err().to_string().contains("hunter2"));
    }
    let settings = Settings::load(&without_secret(&[("DESCANT_AUTH__JWKS_URL", "http://127.0.0.1:1/keys")])).unwrap();
    assert!(matches!(settings.auth.mode, AuthMode::Jwks { .. }));
    assert_eq!(settings.notices.len(), 2, "issuer and audience are not checked: {:?}", settings.notices);
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("DESCANT_JOBS__LEASE_MS", "19999")], "jobs.heartbeat_ms"),
        (&[("DESCANT_JOBS__RETRY_CAP_MS", "4999")], "jobs.retry_base_ms"),
        (&[("DESCANT_AUDIO__MIN_DURATION_SECONDS", "301")], "audio.min_duration_seconds"),
        (&[("DESCANT_AUDIO__TIERS__FREE__MAX_DURATION_SECONDS", "0.5")], "audio.tiers.free.max_duration_seconds"),
        (&[("DESCANT_AUDIO__ALLOWED_FORMATS", "[]")], "audio.allowed_formats"),
        (&[("DESCANT_AUDIO__ALLOWED_FORMATS", "midi")], "audio.allowed_formats"),
        (&[("DESCANT_RETENTION__TOMBSTONE_DAYS", "31")], "retention.tombstone_days"),
        (&[("DESCANT_RETENTION__COMPLETED_DAYS", "63")], "retention.tombstone_days"),
        (&[("DESCANT_QUALITY__MIN_LOUDNESS_LUFS", "-11")], "quality.min_loudness_lufs"),
        (&[("DESCANT_HTTP__CORS_ORIGINS", "*,https://a.example")], "http.cors_origins"),
        (&[("DESCANT_HTTP__CORS_ORIGINS", "https://a.example/path")], "http.cors_origins"),
        (&[("DESCANT_HTTP__ALLOWED_HOSTS", "studio.lan:3000")], "http.allowed_hosts"),
        (&[("DESCANT_HTTP__ALLOWED_HOSTS", "studio.lan:80")], "http.allowed_hosts"),
        (&[("DESCANT_HTTP__ALLOWED_HOSTS", "http://studio.lan")], "http.allowed_hosts"),
        (&[("DESCANT_HTTP__ALLOWED_HOSTS", "*")], "http.allowed_hosts"),
        (&[("DESCANT_OBJECTS__PART_SIZE_BYTES", "5242879")], "objects.part_size_bytes"),
        (&[("DESCANT_OBJECTS__PRESIGN_SECONDS", "604801")], "objects.presign_seconds"),
        (&[("DESCANT_QUOTA__FREE__DAILY", "-2")], "quota.free.daily"),
        (&[("DESCANT_DATA_DIR", "what?")], "data_dir"),
        (&[("EXPERT_API_KEY", "too short")], "expert.api_key"),
        (&[("EXPERT_API_KEY", "a key with spaces")], "expert.api_key"),
        (&[("DESCANT_EXPERT__RATE_PER_MINUTE", "0")], "expert.rate_per_minute"),
        (&[("DESCANT_EXPERT__CORS_ORIGINS", "http://a.example/path")], "expert.cors_origins"),
        (&[("DESCANT_EXPERT__ALLOWED_FORMATS", "exe")], "expert.allowed_formats"),
        (&[("EXPERT_MUSIC_AI_URL", "http://u:p@expert:8003")], "providers.expert_url"),
    ];
    for (variables, key) in cases {
        let found = problems(&env(variables));
        assert_eq!(keys(&found).first(), Some(key), "{variables:?}: {found:?}");
    }
    let edges = with_env(&[
        ("DESCANT_JOBS__LEASE_MS", "20000"),
        ("DESCANT_RETENTION__TOMBSTONE_DAYS", "32"),
        ("DESCANT_OBJECTS__PART_SIZE_BYTES", "5242880"),
        ("DESCANT_OBJECTS__PRESIGN_SECONDS", "604800"),
        ("DESCANT_HTTP__CORS_ORIGINS", "https://a.example, http://localhost:5173"),
        ("DESCANT_HTTP__ALLOWED_HOSTS", "Studio.LAN., 10.0.0.7, [::2], bücher.example"),
    ]);
    assert_eq!(edges.http.allowed_hosts, ["studio.lan", "10.0.0.7", "[::2]", "xn--bcher-kva.example"]);
    assert_eq!(edges.http.cors_origins, ["https://a.example", "http://localhost:5173"]);
}

#[test]
fn log_levels_are_words_or_directives() {
    let level = |text: &str| Settings::load(&env(&[("LOG_LEVEL", text)])).map(|settings| settings.log.level);
    assert_eq!(level("WARNING").unwrap(), "warn");
    assert_eq!(level("info, orchestrator::lease=DEBUG").unwrap(), "info,orchestrator::lease=debug");
    for bad in ["verbose", "=debug", "info,,debug", "a=b=c", "x[y]=info"] {
        assert!(level(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_tracker_is_one_of_those_that_exist_and_its_model_lies_in_the_data_folder() {
    let settings = with_env(&[]);
    let engine = &settings.engine;
    assert_eq!(
        (engine.f0_tracker, engine.models_dir.as_path()),
        (F0Tracker::Builtin, "./descant-data/models".as_ref())
    );
    for tracker in F0Tracker::ALL {
        let settings = with_env(&[("DESCANT_ENGINE__F0_TRACKER", tracker.as_str()), ("DESCANT_DATA_DIR", "/data")]);
        let engine = &settings.engine;
        assert_eq!((engine.f0_tracker, engine.models_dir.as_path()), (tracker, "/data/models".as_ref()));
    }
    let settings = with_env(&[("DESCANT_ENGINE__MODELS_DIR", "/models")]);
    assert_eq!(settings.engine.models_dir, PathBuf::from("/models"));
}

#[test]
fn the_way_out_is_direct_unless_a_proxy_is_named() {
    let load = |key, value: &str| Settings::load(&LoadOptions::default().with(key, value));
    let outbound = Settings::load(&LoadOptions::default()).unwrap().outbound;
    assert_eq!((outbound.proxy, outbound.allow_hosts.len()), (None, 0));
    assert_eq!(load("outbound.proxy", "none").unwrap().outbound.proxy, None);
    let named = load("outbound.proxy", "http://user:hunter2@proxy.example.com:3128").unwrap().outbound;
    assert!(named.proxy.is_some() && !format!("{named:?}").contains("hunter2"));
    let listed = load("outbound.allow_hosts", "hooks.internal:8443,10.0.0.0/8").unwrap().outbound.allow_hosts;
    assert_eq!(listed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["hooks.internal:8443", "10.0.0.0/8"]);
    for (key, value) in [
        ("outbound.proxy", "socks5://user:hunter2@proxy.example.com"),
        ("outbound.proxy", "http://user:hunter2@proxy.example.com/path"),
        ("outbound.allow_hosts", "http://hooks.internal"),
        ("outbound.allow_hosts", "10.0.0.0/33"),
        ("outbound.no_proxy", "10.0.0.0/x"),
        ("outbound.connect_timeout_ms", "0"),
    ] {
        let problems = load(key, value).unwrap_err().to_string();
        assert!(problems.contains(key) && !problems.contains("hunter2"), "{problems}");
    }
}

#[test]
fn what_costs_in_another_currency_than_a_limit_is_refused() {
    const KEY: (&str, &str) = ("ANTHROPIC_API_KEY", "k");
    const PRICE: (&str, &str) = ("DESCANT_PROVIDERS__ANTHROPIC__PRICE_PER_CALL", "0.01");
    const EUROS: (&str, &str) = ("DESCANT_PROVIDERS__ANTHROPIC__CURRENCY", "EUR");
    const HOUSE: (&str, &str) = ("DESCANT_SPENDING__MONTHLY_LIMIT", "50");
    const USER: (&str, &str) = ("DESCANT_SPENDING__USER_MONTHLY_LIMIT", "5");
    let refused = |variables: &[(&str, &str)]| problems(&env(variables));
    for (limit, key) in [(HOUSE, "spending.monthly_limit"), (USER, "spending.user_monthly_limit")] {
        let found = refused(&[KEY, PRICE, EUROS, limit]);
        assert_eq!(keys(&found), ["providers.anthropic.currency"]);
        let told = found[0].to_string();
        assert!(told.contains("EUR") && told.contains("USD, as spending.currency") && told.contains(key), "{told}");
    }
    let euro_house = ("DESCANT_SPENDING__CURRENCY", "EUR");
    assert_eq!(keys(&refused(&[KEY, PRICE, euro_house, HOUSE])), ["providers.anthropic.currency"], "dollars unsaid");
    let expert = [
        ("DESCANT_PROVIDERS__STUDIO__KIND", "expert"),
        ("DESCANT_PROVIDERS__STUDIO__BASE_URL", "http://localhost:8003"),
        ("DESCANT_PROVIDERS__STUDIO__CURRENCY", "EUR"),
        HOUSE,
    ];
    assert_eq!(keys(&refused(&expert)), ["providers.studio.currency"], "it may say what it costs");
    for fine in [
        &[KEY, PRICE, EUROS][..],
        &[KEY, ("DESCANT_PROVIDERS__ANTHROPIC__PRICE_PER_CALL", "0"), EUROS, HOUSE],
        &[KEY, PRICE, HOUSE],
        &[KEY, PRICE, EUROS, euro_house, HOUSE, USER],
        &[KEY, PRICE, EUROS, ("DESCANT_PROVIDERS__ANTHROPIC__MONTHLY_LIMIT", "5")],
    ] {
        assert_eq!(with_env(fine).vendors.len(), 1, "{fine:?}");
    }
}

#[test]
fn nobody_is_to_play_where_no_model_is() {
    let notices = |options: LoadOptions| Settings::load(&options).unwrap().notices.len();
    let plays = LoadOptions::default().with("providers.ml_model_plays", "true");
    assert_eq!(notices(plays.clone()), 1);
    assert_eq!(notices(plays.with("providers.ml_model_url", "http://localhost:8000")), 0);
    let named = LoadOptions::default().with("capabilities.blends", "ml_model, offline");
    let settings = Settings::load(&named).unwrap();
    assert!(settings.vendors.is_empty(), "nothing is sent unasked");
    assert!(settings.notices[0].contains("it has no address"), "{:?}", settings.notices);
}

#[test]
fn the_model_that_blends_is_a_table_that_older_names_fill() {
    const AT: &str = "http://localhost:8000";
    let read = |pairs: &[(&str, &str)]| {
        let settings = with_env(pairs);
        let models =
            settings.vendors.into_iter().filter(|vendor| vendor.kind == VendorKind::MlModel).collect::<Vec<_>>();
        (models, settings.notices)
    };
    let check = |what: &str, pairs: &[(&str, &str)], plays: bool| {
        let (models, notices) = read(pairs);
        let [Vendor { name, base_url, api_key, plays: does, timeout, .. }] = &models[..] else { panic!("{what}") };
        let key = api_key.as_ref().map(|key| key.expose().as_str());
        assert_eq!(
            (name.as_str(), base_url.as_str(), key),
            ("ml_model", "http://localhost:8000/", Some("k")),
            "{what}"
        );
        assert_eq!((*does, *timeout), (plays, Duration::from_secs(240)), "{what}");
        assert_eq!(notices, [""; 0], "{what}");
    };
    let waits = ("MELODY_VOCALS_TIMEOUT", "240000");
    check("the seeds' variables", &[("ML_MODEL_URL", AT), ("ML_MODEL_API_KEY", "k"), waits], false);
    let older = [
        ("DESCANT_PROVIDERS__ML_MODEL_URL", AT),
        ("DESCANT_PROVIDERS__ML_MODEL_API_KEY", "k"),
        ("DESCANT_PROVIDERS__ML_MODEL_PLAYS", "true"),
    ];
    check("the older keys", &[&older[..], &[waits]].concat(), true);
    let table = [
        ("DESCANT_PROVIDERS__ML_MODEL__BASE_URL", AT),
        ("DESCANT_PROVIDERS__ML_MODEL__API_KEY", "k"),
        ("DESCANT_PROVIDERS__ML_MODEL__PLAYS", "true"),
        ("DESCANT_PROVIDERS__ML_MODEL__TIMEOUT_MS", "240000"),
    ];
    check("the table", &table, true);

    let two = [
        ("DESCANT_PROVIDERS__ML_MODEL_URL", "http://localhost:1"),
        ("DESCANT_PROVIDERS__ML_MODEL_PLAYS", "true"),
        ("DESCANT_PROVIDERS__ML_MODEL__BASE_URL", AT),
        ("DESCANT_PROVIDERS__ML_MODEL__PLAYS", "false"),
        ("DESCANT_PROVIDERS__MIXER__KIND", "ml_model"),
        ("DESCANT_PROVIDERS__MIXER__BASE_URL", "http://localhost:2"),
        ("DESCANT_PROVIDERS__MIXER__PRICE_PER_CALL", "0.5"),
        ("DESCANT_PROVIDERS__MIXER__MONTHLY_LIMIT", "20"),
        ("DESCANT_CAPABILITIES__BLENDS", "mixer, ml_model"),
    ];
    let (models, notices) = read(&two);
    let told: Vec<_> = models.iter().map(|model| (model.name.as_str(), model.plays, model.prices.per_call)).collect();
    assert_eq!(told, [("ml_model", false, 0), ("mixer", false, 500_000)]);
    assert_eq!((models[0].base_url.as_str(), models[1].monthly_limit), ("http://localhost:8000/", Some(20_000_000)));
    assert!(notices.len() == 2 && notices.iter().all(|notice| notice.contains("is ignored")), "{notices:?}");
    let mixer = [("DESCANT_PROVIDERS__MIXER__KIND", "ml_model")];
    assert_eq!(keys(&problems(&env(&mixer))), ["providers.mixer.base_url"]);
}
