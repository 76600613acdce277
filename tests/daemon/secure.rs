//! Brokers that ask who we are: password, TLS, client certificate.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::client::{Client, Settings, Version};
use crate::home::{Home, Plan, say};
use crate::mosquitto::Mosquitto;

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn password_file(folder: &Path) {
    run(folder, "mosquitto_passwd", &["-c", "-b", "passwords", "hearth", "canary-word"]);
}

#[tokio::test]
async fn a_password_from_a_file_opens_the_broker_and_stands_in_no_log() {
    let lines = "allow_anonymous false\npassword_file FOLDER/passwords\n";
    let broker = Mosquitto::with(lines, password_file).await;
    let mut plan = Plan::at(broker.address);
    plan.mqtt = "  username: hearth\n  password_file: secret\n".to_owned();
    plan.more = "log:\n  level: trace\n".to_owned();
    let mut home = Home::prepare(&plan);
    std::fs::write(home.folder.path().join("secret"), "canary-word\n").unwrap();
    home.launch();
    home.wait_ready().await;
    let mut settings = Settings::new(Version::V4, "test");
    settings.login = Some(("hearth", "canary-word"));
    let mut client = Client::connect(broker.address, &settings).await.unwrap();
    client.subscribe("#", 1).await;
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
    assert!(!home.log().contains("canary-word"), "{}", home.log());
}

#[tokio::test]
async fn a_wrong_password_is_said_and_tried_again() {
    let lines = "allow_anonymous false\npassword_file FOLDER/passwords\n";
    let broker = Mosquitto::with(lines, password_file).await;
    let mut plan = Plan::at(broker.address);
    plan.mqtt = "  username: hearth\n  password: wrong-canary\n".to_owned();
    let mut home = Home::prepare(&plan);
    home.launch();
    let began = std::time::Instant::now();
    while home.log().matches("refuses the connection").count() < 2 {
        assert!(began.elapsed() < crate::client::LIMIT, "{}", home.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!home.log().contains("wrong-canary"), "{}", home.log());
}

/// An authority, a certificate for the broker and one for a client, all by the openssl program.
fn certificates(folder: &Path) {
    let key = ["-newkey", "rsa:2048", "-nodes", "-days", "2"];
    run(
        folder,
        "openssl",
        &[&["req", "-x509", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem"], &key[..]].concat(),
    );
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
    for (name, subject) in [("broker", "/CN=localhost"), ("client", "/CN=hearthd")] {
        let (request, certificate, secret) = (format!("{name}.csr"), format!("{name}.pem"), format!("{name}.key"));
        run(
            folder,
            "openssl",
            &[&["req", "-new", "-subj", subject, "-keyout", &secret, "-out", &request], &key[..3]].concat(),
        );
        run(
            folder,
            "openssl",
            &[
                "x509",
                "-req",
                "-in",
                &request,
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-days",
                "2",
                "-extfile",
                "names",
                "-out",
                &certificate,
            ],
        );
    }
}

#[tokio::test]
async fn tls_with_an_authority_and_a_client_certificate() {
    let shared = tempfile::tempdir().unwrap();
    certificates(shared.path());
    let lines = "allow_anonymous true\ncafile FOLDER/ca.pem\ncertfile FOLDER/broker.pem\nkeyfile FOLDER/broker.key\nrequire_certificate true\n";
    let broker = Mosquitto::with(lines, |folder| {
        for name in ["ca.pem", "broker.pem", "broker.key"] {
            std::fs::copy(shared.path().join(name), folder.join(name)).unwrap();
        }
    })
    .await;
    let place = shared.path().display();
    let mut plan = Plan::at(broker.address);
    let own = format!("  client_cert_file: {place}/client.pem\n  client_key_file: {place}/client.key\n");
    plan.mqtt = format!("  broker: mqtts://127.0.0.1:{}\n  ca_file: {place}/ca.pem\n{own}", broker.address.port());
    let mut home = Home::start(&plan).await;
    home.wait_ready().await;
    let output = tokio::task::spawn_blocking({
        let mut command = home.hearthd();
        move || command.args(["ask", "turn on the kitchen light"]).output().unwrap()
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "{output:?}");

    // An authority that did not sign the broker's certificate does not let it in.
    let other = tempfile::tempdir().unwrap();
    certificates(other.path());
    plan.mqtt = format!(
        "  broker: mqtts://127.0.0.1:{}\n  ca_file: {}/ca.pem\n{own}",
        broker.address.port(),
        other.path().display()
    );
    let mut stranger = Home::prepare(&plan);
    stranger.launch();
    let began = std::time::Instant::now();
    while !stranger.log().contains("no connection to the broker") {
        assert!(began.elapsed() < crate::client::LIMIT, "{}", stranger.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!stranger.log().contains("connected to the broker 127"), "{}", stranger.log());
}
