//! Descriptions as telephones, tools and carriers write them.
#![allow(dead_code)]

pub const LINPHONE: &str = "v=0\r\no=alice 3312 2421 IN IP4 198.51.100.7\r\ns=Talk\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\na=ice-pwd:0b6b1d0f7a7d1b4c3e5f6a7b\r\na=ice-ufrag:8c1f\r\na=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\na=group:BUNDLE as vs\r\na=record:off\r\nm=audio 7078 RTP/AVP 96 97 98 0 8 18 101 99 100\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:97 speex/16000\r\na=fmtp:97 vbr=on\r\na=rtpmap:98 speex/8000\r\na=fmtp:98 vbr=on\r\na=fmtp:18 annexb=yes\r\na=rtpmap:101 telephone-event/48000\r\na=rtpmap:99 telephone-event/16000\r\na=rtpmap:100 telephone-event/8000\r\na=rtcp:50277\r\na=rtcp-mux\r\na=mid:as\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=candidate:1 1 UDP 2130706303 198.51.100.7 7078 typ host\r\na=rtcp-fb:* trr-int 5000\r\na=rtcp-fb:* ccm tmmbr\r\nm=video 9078 RTP/AVP 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42801F\r\na=rtcp-fb:* trr-int 5000\r\na=mid:vs\r\n";

pub const BARESIP: &str = "v=0\r\no=- 3885743122 1107893402 IN IP4 203.0.113.20\r\ns=-\r\nc=IN IP4 203.0.113.20\r\nt=0 0\r\na=tool:baresip 1.0.0\r\nm=audio 16550 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:16551\r\na=sendrecv\r\na=label:1\r\na=rtcp-rsize\r\na=ssrc:2741693287 cname:sip:bob@203.0.113.20\r\na=ptime:20\r\n";

pub const SIPP: &str = "v=0\no=user1 53655765 2353687637 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 6000 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n";

pub const CARRIER_IMS: &str = "v=0\r\no=SBC 1478523 1478523 IN IP4 10.20.30.40\r\ns=IMS Call\r\nc=IN IP4 10.20.30.40\r\nb=AS:41\r\nb=RS:600\r\nb=RR:2000\r\nt=0 0\r\nm=audio 30504 RTP/AVP 104 102 8 105 100\r\nb=AS:41\r\na=rtpmap:104 AMR-WB/16000/1\r\na=fmtp:104 mode-change-capability=2;max-red=0\r\na=rtpmap:102 AMR/8000/1\r\na=fmtp:102 octet-align=1;mode-set=0,2,4,7\r\na=rtpmap:8 PCMA/8000/1\r\na=rtpmap:105 telephone-event/16000\r\na=fmtp:105 0-15\r\na=rtpmap:100 telephone-event/8000\r\na=fmtp:100 0-15\r\na=ptime:20\r\na=maxptime:240\r\na=sendrecv\r\na=curr:qos local none\r\na=curr:qos remote none\r\na=des:qos mandatory local sendrecv\r\na=des:qos optional remote sendrecv\r\n";

pub const WEBRTC: &str = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS stream\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=ice-options:trickle\r\na=fingerprint:sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:126 telephone-event/8000\r\n";

pub const IPV6: &str = "v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\nm=audio 5004 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:30\r\na=recvonly\r\n";

/// A gateway that names nothing but payload types; fax first, audio second.
pub const GATEWAY: &str = "v=0\r\no=gw 12 12 IN IP4 192.0.2.9\r\ns=sip call\r\nt=3034423619 3042462419\r\nm=image 5002 udptl t38\r\nc=IN IP4 192.0.2.9\r\nm=audio 5000 RTP/AVP 18 8 0 96\r\nc=IN IP4 192.0.2.10\r\na=rtpmap:96 TELEPHONE-EVENT/8000\r\na=sendonly\r\n";

pub const ALL: [&str; 7] = [LINPHONE, BARESIP, SIPP, CARRIER_IMS, WEBRTC, IPV6, GATEWAY];
