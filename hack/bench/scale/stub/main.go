// Command stub is an API server that does as little as the operator can live with, so that the operator is what is measured.
//
// It keeps objects in memory, serves lists by pages, watches, writes and deletions with resourceVersions and finalizers,
// and plays the Job controller, the kubelet and the movers. It knows no schema and asks for no credentials: TLS, HTTP/1.1 and
// the size of the objects (managedFields among them) are as they would be.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "where to write the kubeconfig, once the server listens")
	flag.Parse()
	certificate, authority := selfSigned()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	store := newStore()
	figures := newFigures()
	store.seen, store.posted = figures.see, figures.post
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 500 // movers keep theirs too
	player := &player{store: store}
	store.jobMade, store.jobLeaves = player.play, player.clear
	server := &http.Server{
		Handler:      figures.count(routes(store, player, figures)),
		TLSConfig:    &tls.Config{Certificates: []tls.Certificate{certificate}},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // aiohttp speaks HTTP/1.1
		ErrorLog:     log.New(os.Stderr, "stub: ", 0),
	}
	check(os.WriteFile(*kubeconfig, []byte(kubeconfigFor(listener.Addr().String(), authority)), 0o600))
	check(server.ServeTLS(listener, "", ""))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func selfSigned() (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "stub"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, authority
}

func kubeconfigFor(address string, authority []byte) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: stub
  cluster: {server: "https://%s", certificate-authority-data: %s}
users:
- name: operator
  user: {token: none}
contexts:
- name: stub
  context: {cluster: stub, user: operator}
current-context: stub
`, address, base64.StdEncoding.EncodeToString(authority))
}
