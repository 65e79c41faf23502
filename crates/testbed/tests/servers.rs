//! Each helper gives something fresh that works, and takes it away again.

use std::time::Duration;

use sqlx::{Connection, PgConnection, Row};

async fn databases_named(name: &str) -> i64 {
    let admin = testbed::servers().postgres;
    let mut connection = PgConnection::connect(admin.as_str()).await.expect("connect to the test server");
    let count = sqlx::query("SELECT count(*) FROM pg_database WHERE datname = $1").bind(name.to_owned());
    count.fetch_one(&mut connection).await.expect("count databases").get(0)
}

#[tokio::test]
async fn a_database_lives_as_long_as_its_value() {
    let database = testbed::postgres_database().await;
    let name = database.url().rsplit('/').next().expect("a path").to_owned();
    let mut connection = PgConnection::connect(database.url()).await.expect("connect to the fresh database");
    sqlx::raw_sql("CREATE TABLE t (n int)").execute(&mut connection).await.expect("create a table");
    assert_eq!(databases_named(&name).await, 1);
    // Dropped although a connection is still open.
    drop(database);
    assert_eq!(databases_named(&name).await, 0);
}

#[tokio::test]
async fn virtual_hosts_and_buckets_are_created_and_deleted() {
    let (one, other) = (testbed::rabbitmq_vhost().await, testbed::rabbitmq_vhost().await);
    assert_ne!(one.url(), other.url());
    assert!(one.url().starts_with("amqp://") && one.url().ends_with(one.name()));
    let bucket = testbed::s3_bucket().await;
    assert!(bucket.bucket.len() <= 63, "S3 allows no longer name: {}", bucket.bucket);
    assert!(!bucket.endpoint.ends_with('/'));
}

#[tokio::test]
async fn the_s3_server_stops_when_told() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let server = testbed::s3::S3Server {
        root: root.path().to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned(),
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(listener, async { drop(stopped.await) }));
    tokio::net::TcpStream::connect(address).await.expect("it listens");
    stop.send(()).expect("it still runs");
    tokio::time::timeout(Duration::from_secs(10), serving)
        .await
        .expect("it ends")
        .expect("no panic")
        .expect("no error");
    tokio::net::TcpStream::connect(address).await.expect_err("nobody listens any more");
}
