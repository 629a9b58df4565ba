//! Which properties are understood, and that none that is not is passed over.

use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    login::{Exchange, Refused},
    *,
};

fn of(pairs: &[(&str, &str)]) -> Result<Security, BrokerError> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Security::of(&pairs.collect())
}

/// What is said of properties that are refused.
fn refused(pairs: &[(&str, &str)]) -> String {
    let Err(BrokerError::Settings(said)) = of(pairs) else {
        panic!("{pairs:?} are taken, or refused as something else");
    };
    said
}

const LOGIN: [(&str, &str); 3] = [
    ("sasl.mechanism", "SCRAM-SHA-256"),
    ("sasl.username", "ops"),
    ("sasl.password", "top secret"),
];

fn sasl(protocol: &str) -> Vec<(&str, &str)> {
    [&LOGIN[..], &[("security.protocol", protocol)]].concat()
}

#[test]
fn the_protocol_says_whether_there_is_tls_and_a_login() {
    for (protocol, tls, login) in [
        ("PLAINTEXT", false, false),
        ("plaintext", false, false),
        ("sasl_plaintext", false, true),
    ] {
        let security = of(&sasl(protocol)).unwrap();
        assert_eq!(security.tls.is_some(), tls, "{protocol}");
        assert_eq!(security.login().is_some(), login, "{protocol}");
    }
    let nothing = of(&[]).unwrap();
    assert!(nothing.tls.is_none() && nothing.login().is_none());
    let said = refused(&[("security.protocol", "TLS")]);
    assert_eq!(
        said,
        "`security.protocol` must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
    );
}

#[tokio::test]
async fn without_tls_a_connection_stays_as_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (mut accepted, _) = listener.accept().await.unwrap();
    let security = of(&[]).unwrap();
    let mut stream = security.secure("", connected.unwrap()).await.unwrap();
    assert!(matches!(stream, Stream::Plain(_)) && stream.is_write_vectored());
    let pieces = [io::IoSlice::new(b"do"), io::IoSlice::new(b"or")];
    assert_eq!(stream.write_vectored(&pieces).await.unwrap(), 4);
    stream.shutdown().await.unwrap();
    let mut heard = String::new();
    accepted.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "door");
}

#[test]
fn an_unknown_property_on_security_is_refused_and_any_other_passed_over() {
    for name in [
        "sasl.kerberos.keytab",
        "sasl.oauthbearer.config",
        "ssl.cipher.suites",
        "ssl.key.password",
        "ssl.crl.location",
        "ssl.keystore.location",
    ] {
        let said = refused(&[(name, "top secret")]);
        let told = format!("the door's client does not know the property `{name}`; it knows sec");
        assert!(said.starts_with(&told), "{said}");
        assert!(
            said.contains("ssl.ca.location, ") && !said.contains("top"),
            "{said}"
        );
    }
    assert!(of(&[("linger.ms", "5"), ("debug", "all"), ("client.rack", "a")]).is_ok());
}

#[test]
fn a_broker_is_always_verified() {
    let verification = "enable.ssl.certificate.verification";
    let identification = "ssl.endpoint.identification.algorithm";
    for (name, value) in [
        (verification, "true"),
        (verification, "1"),
        (identification, "https"),
        (identification, "HTTPS"),
    ] {
        assert!(of(&[(name, value)]).is_ok(), "{name} {value}");
    }
    for (name, value) in [
        (verification, "false"),
        (verification, ""),
        (identification, "none"),
        (identification, ""),
    ] {
        let said = refused(&[(name, value)]);
        assert!(said.starts_with(&format!("`{name}` must be `")), "{said}");
        assert!(said.ends_with("a broker that is not verified could be anybody"));
    }
}

#[test]
fn a_login_that_is_not_whole_is_refused() {
    let mut pairs = sasl("SASL_PLAINTEXT");
    pairs.remove(2);
    assert!(refused(&pairs).starts_with("`sasl.password` is missing"));
    // Without a protocol that has a login nobody asks for it.
    pairs.pop();
    assert!(of(&pairs).is_ok());
}

/// Takes a login as far as the broker's words go.
fn told(mut exchange: Exchange, said: &[&str]) -> Result<Option<Vec<u8>>, Refused> {
    said.iter().try_fold(Some(exchange.first()), |_, said| {
        exchange.answer(said.as_bytes())
    })
}

#[test]
fn a_login_goes_on_until_the_broker_has_proved_itself() {
    let security = of(&[
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "SCRAM-SHA-256"),
        ("sasl.username", "user"),
        ("sasl.password", "pencil"),
    ]);
    let security = security.unwrap();
    // RFC 7677, section 3.
    let challenge =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let proof = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    let begin = || security.login().unwrap().begin("rOprNGfwEbeRWgbNEkqO");
    assert!(told(begin(), &[challenge]).unwrap().is_some());
    assert_eq!(told(begin(), &[challenge, proof]), Ok(None));
    assert_eq!(told(begin(), &[proof]), Err(Refused::Unreadable));
}

#[test]
fn nothing_secret_is_printed() {
    let printed = format!("{:?}", of(&sasl("SASL_PLAINTEXT")).unwrap());
    let login = "Some(Login { mechanism: \"SCRAM-SHA-256\", .. })";
    assert_eq!(
        printed,
        format!("Security {{ tls: false, login: {login} }}")
    );
}
