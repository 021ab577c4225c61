//! A publisher so crude that it can send what no library would: a message id that is not UTF-8.

use lapin::uri::AMQPUri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn send(stream: &mut TcpStream, kind: u8, channel: u16, payload: &[u8]) {
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame.push(0xce);
    stream.write_all(&frame).await.unwrap();
}

async fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.unwrap();
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let mut payload = vec![0; size + 1];
    stream.read_exact(&mut payload).await.unwrap();
    payload
}

fn method(class: u16, method: u16, parts: &[&[u8]]) -> Vec<u8> {
    [&class.to_be_bytes()[..], &method.to_be_bytes(), &parts.concat()].concat()
}

fn text(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()][..], text].concat()
}

/// Sends one message to a queue, through the default exchange, with these bytes as its id.
pub async fn publish_with_id(url: &str, queue: &str, id: &[u8]) {
    let AMQPUri { authority, vhost, .. } = url.parse().unwrap();
    let stream = &mut TcpStream::connect((authority.host, authority.port)).await.unwrap();
    stream.write_all(b"AMQP\x00\x00\x09\x01").await.unwrap();
    receive(stream).await;
    let login = format!("\0{}\0{}", authority.userinfo.username, authority.userinfo.password);
    let length = u32::try_from(login.len()).unwrap().to_be_bytes();
    let start_ok = method(10, 11, &[&[0; 4], &text(b"PLAIN"), &length, login.as_bytes(), &text(b"en_US")]);
    send(stream, 1, 0, &start_ok).await;
    let tune = receive(stream).await;
    send(stream, 1, 0, &method(10, 31, &[&tune[4..10], &[0, 0]])).await;
    send(stream, 1, 0, &method(10, 40, &[&text(vhost.as_bytes()), &[0, 0]])).await;
    receive(stream).await;
    send(stream, 1, 1, &method(20, 10, &[&[0]])).await;
    receive(stream).await;
    send(stream, 1, 1, &method(60, 40, &[&[0, 0], &text(b""), &text(queue.as_bytes()), &[0]])).await;
    // Content header: class, weight, body size, flags for delivery mode and message id, the two.
    let flags = (1u16 << 12) | (1 << 7);
    let header = [&[0, 60, 0, 0][..], &1u64.to_be_bytes(), &flags.to_be_bytes(), &[2], &text(id)].concat();
    send(stream, 2, 1, &header).await;
    send(stream, 3, 1, b"x").await;
    send(stream, 1, 1, &method(20, 40, &[&[0, 200], &text(b""), &[0; 4]])).await;
    receive(stream).await;
}
