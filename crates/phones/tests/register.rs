//! REGISTER against a tiny registrar on `rsip`, with both digests.

mod common;

use meishier_phones::{
    Algorithm, Behaviour, Dial, PhoneBank, PhoneOptions, Register, RegisterError,
};
use rsip::headers::auth::Algorithm as Hash;
use rsip::headers::typed::Tokenize;
use rsip::headers::typed::www_authenticate::Tokenizer;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::prelude::HeadersExt;
use rsip::services::DigestGenerator;
use rsip::{Header, Headers, Request, Response};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

const PASSWORD: &str = "mima-01";
const REALM: &str = "12356.test";

/// What the registrar saw and accepted: user, algorithm, Expires, nonce count.
#[derive(Debug, PartialEq, Eq)]
struct Accepted {
    user: String,
    algorithm: String,
    expires: u32,
    count: String,
}

struct Registrar {
    address: SocketAddr,
    accepted: mpsc::Receiver<Accepted>,
}

/// Challenges with SHA-256 and MD5; grants what was asked for but at most `most` seconds.
async fn registrar(most: u32) -> Registrar {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (sender, accepted) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut buffer = vec![0u8; 65_536];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let request = Request::try_from(&buffer[..length]).unwrap();
            let (status, headers) = match checked(&request) {
                None => (
                    if request.method == rsip::Method::Invite {
                        407
                    } else {
                        401
                    },
                    challenges(&request),
                ),
                Some(_) if request.method == rsip::Method::Invite => (486, vec![]),
                Some(mut seen) => {
                    seen.expires = seen.expires.min(most);
                    let expires = rsip::headers::Expires::from(seen.expires).into();
                    sender.send(seen).await.unwrap();
                    (
                        200,
                        vec![request.contact_header().unwrap().clone().into(), expires],
                    )
                }
            };
            if request.method != rsip::Method::Ack {
                socket
                    .send_to(
                        answer(&request, status, headers).to_string().as_bytes(),
                        from,
                    )
                    .await
                    .unwrap();
            }
        }
    });
    Registrar { address, accepted }
}

fn challenges(request: &Request) -> Vec<Header> {
    let challenge = |algorithm: &str| {
        format!(
            "Digest realm=\"{REALM}\", nonce=\"n-1\", algorithm={algorithm}, qop=\"auth\", opaque=\"o\""
        )
    };
    let header = |value: String| -> Header {
        if request.method == rsip::Method::Invite {
            rsip::headers::ProxyAuthenticate::new(value).into()
        } else {
            rsip::headers::WwwAuthenticate::new(value).into()
        }
    };
    vec![header(challenge("SHA-256")), header(challenge("MD5"))]
}

/// The request's digest computed once more; `None` without or with a wrong one.
fn checked(request: &Request) -> Option<Accepted> {
    let value = request.headers.iter().find_map(|h| match h {
        Header::Authorization(value) => Some(value.value().to_owned()),
        Header::ProxyAuthorization(value) => Some(value.value().to_owned()),
        _ => None,
    })?;
    let tokens = Tokenizer::tokenize(&value).unwrap();
    let get = |name: &str| {
        tokens
            .params
            .iter()
            .find(|(k, _)| *k == name)
            .map(|(_, v)| (*v).to_owned())
            .unwrap()
    };
    assert_eq!(get("qop"), "auth");
    assert_eq!(get("opaque"), "o");
    let uri = rsip::Uri::try_from(get("uri").as_str()).unwrap();
    assert_eq!(uri, request.uri);
    let algorithm = get("algorithm");
    let count = get("nc");
    let nc: u8 = count.parse().unwrap();
    let qop = rsip::headers::auth::AuthQop::Auth {
        cnonce: get("cnonce"),
        nc,
    };
    let digest = DigestGenerator {
        username: &get("username"),
        password: PASSWORD,
        nonce: "n-1",
        uri: &uri,
        realm: REALM,
        method: &request.method,
        qop: Some(&qop),
        algorithm: if algorithm == "SHA-256" {
            Hash::Sha256
        } else {
            Hash::Md5
        },
    };
    if !digest.verify(&get("response")) {
        return None;
    }
    let expires = request.expires_header().map_or(0, |e| e.seconds().unwrap());
    Some(Accepted {
        user: get("username"),
        algorithm,
        expires,
        count,
    })
}

fn answer(request: &Request, status: u16, more: Vec<Header>) -> Response {
    let mut headers = Headers::default();
    headers.push(request.via_header().unwrap().clone().into());
    headers.push(request.from_header().unwrap().clone().into());
    let to = request.to_header().unwrap().typed().unwrap();
    headers.push(to.with_tag(rsip::param::Tag::new("registrar")).into());
    headers.push(request.call_id_header().unwrap().clone().into());
    headers.push(request.cseq_header().unwrap().clone().into());
    headers.extend(more);
    headers.push(rsip::headers::ContentLength::default().into());
    Response {
        status_code: status.into(),
        version: rsip::Version::V2,
        headers,
        body: vec![],
    }
}

fn register(registrar: &Registrar, password: &str, algorithm: Algorithm) -> Register {
    Register {
        registrar: registrar.address,
        domain: None,
        password: password.to_owned(),
        algorithm,
        expires: Duration::from_secs(3_600),
    }
}

#[tokio::test]
async fn both_digests_are_accepted() {
    for (algorithm, name) in [(Algorithm::Md5, "MD5"), (Algorithm::Sha256, "SHA-256")] {
        let mut registrar = registrar(600).await;
        let bank = PhoneBank::open().await.unwrap();
        let phone = bank
            .phone(PhoneOptions::new("a0001", 0, &[]))
            .await
            .unwrap();
        let granted = phone
            .register(register(&registrar, PASSWORD, algorithm))
            .await
            .unwrap();
        assert_eq!(granted, Duration::from_secs(600));
        assert!(*phone.registered().borrow());
        let seen = registrar.accepted.recv().await.unwrap();
        assert_eq!(
            (seen.user.as_str(), seen.algorithm.as_str(), seen.expires),
            ("a0001", name, 600)
        );
        phone.unregister().await.unwrap();
        assert_eq!(registrar.accepted.recv().await.unwrap().expires, 0);
        assert!(!*phone.registered().borrow());
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_once() {
    let registrar = registrar(600).await;
    let bank = PhoneBank::open().await.unwrap();
    let phone = bank
        .phone(PhoneOptions::new("a0001", 0, &[]))
        .await
        .unwrap();
    let outcome = phone
        .register(register(&registrar, "wrong", Algorithm::Sha256))
        .await;
    assert_eq!(outcome, Err(RegisterError::Refused(401)));
    assert!(!*phone.registered().borrow());
}

#[tokio::test]
async fn the_registration_is_renewed_before_it_expires() {
    let mut registrar = registrar(1).await;
    let bank = PhoneBank::open().await.unwrap();
    let phone = bank
        .phone(PhoneOptions::new("a0001", 0, &[]))
        .await
        .unwrap();
    phone
        .register(register(&registrar, PASSWORD, Algorithm::Sha256))
        .await
        .unwrap();
    assert_eq!(registrar.accepted.recv().await.unwrap().count, "00000001");
    // The nonce is used on with a rising count: no second challenge.
    assert_eq!(registrar.accepted.recv().await.unwrap().count, "00000002");
    assert_eq!(registrar.accepted.recv().await.unwrap().count, "00000003");
}

#[tokio::test]
async fn an_invite_answers_a_proxys_challenge() {
    let registrar = registrar(600).await;
    let bank = PhoneBank::open().await.unwrap();
    let phone = bank
        .phone(PhoneOptions::new("a0001", 0, &[]))
        .await
        .unwrap();
    let unknown = phone
        .dial(Dial::new(registrar.address, "12356"))
        .await
        .unwrap();
    assert_eq!(
        unknown.ended().await.status,
        407,
        "without a password the challenge is the end"
    );
    phone.set_password(PASSWORD, Algorithm::Md5);
    let call = phone
        .dial(Dial::new(registrar.address, "12356"))
        .await
        .unwrap();
    assert_eq!(
        call.ended().await.status,
        486,
        "the stub refuses only those it knows with 486"
    );
    phone.set_behaviour(Behaviour::Ignore);
}
