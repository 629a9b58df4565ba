// The Go contestant of `bench door`: net/http and franz-go, and no check at all.
// usage: door LISTEN BOOTSTRAP TOPIC [DEADLINE_MS]
package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: door LISTEN BOOTSTRAP TOPIC [DEADLINE_MS]")
	}
	listen, bootstrap, topic := os.Args[1], os.Args[2], os.Args[3]
	// Idempotent with acks=all is the client's default. Of its lingers 1 ms was the best at 64 and 256 connections.
	options := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.DefaultProduceTopic(topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(time.Millisecond),
		// Its default compresses with snappy; no other contestant compresses.
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	}
	if len(os.Args) > 4 {
		millis, err := strconv.Atoi(os.Args[4])
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, kgo.RecordDeliveryTimeout(time.Duration(millis)*time.Millisecond))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		log.Fatal(err)
	}
	handler := func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			answer.WriteHeader(http.StatusBadRequest)
			return
		}
		done := make(chan error, 1)
		record := &kgo.Record{Value: body}
		client.Produce(context.Background(), record, func(_ *kgo.Record, err error) { done <- err })
		if <-done != nil {
			answer.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answer.WriteHeader(http.StatusOK)
	}
	log.Fatal(http.ListenAndServe(listen, http.HandlerFunc(handler)))
}
