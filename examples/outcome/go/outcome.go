// Package outcome counts what the requests of a Lambda function came to for its users: good or bad. Copy this file into
// the function's module; it needs the standard library only.
//
//	lambda.Start(outcome.Wrap(lambda.NewHandler(handler), outcome.Settings{Of: of, Custom: custom}))
//
//	func of(ctx context.Context) (arn, requestID string) {
//		if invoke, ok := lambdacontext.FromContext(ctx); ok {
//			return invoke.InvokedFunctionArn, invoke.AwsRequestID
//		}
//		return "", ""
//	}
//
//	func custom(ctx context.Context) map[string]string {
//		if invoke, ok := lambdacontext.FromContext(ctx); ok {
//			return invoke.ClientContext.Custom
//		}
//		return nil
//	}
//
// It prints the line of CloudWatch's embedded metric format that docs/outcomes.md describes, one for each invoke.
package outcome

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	reasonsShown = 5
	reasonLength = 200
	mostBytes    = 6291556 // Lambda's limit on a response
)

// Handler is the Handler of github.com/aws/aws-lambda-go/lambda.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Settings of a wrapped handler. Of is required: it gives the ARN that was invoked and the request's id. Custom gives the
// custom part of the client context, in which Seatrial marks its smoke tests; without it they are counted. Service is the
// function's name unless given. With Slow above 0, what takes longer is bad. With HighResolution CloudWatch keeps seconds,
// and the judge looks at a young release within the minute.
type Settings struct {
	Of             func(context.Context) (arn, requestID string)
	Custom         func(context.Context) map[string]string
	Service        string
	Slow           time.Duration
	HighResolution bool
}

type marksKey struct{}

// MarkBad says, inside a handler and with its context, that this request came to nothing good for its user, though the
// response looks fine. It may not be called by several goroutines at once.
func MarkBad(ctx context.Context, reason string) {
	if marks, ok := ctx.Value(marksKey{}).(*[]string); ok {
		*marks = append(*marks, reason)
	}
}

// IsDark says whether the invoke is one of Seatrial's: by a version's number, through an alias dark, or with its mark.
func IsDark(arn string, custom map[string]string) bool {
	// arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
	parts := strings.Split(arn, ":")
	if len(parts) == 8 && parts[7] != "" && (parts[7] == "dark" || strings.Trim(parts[7], "0123456789") == "") {
		return true
	}
	return custom["seatrial"] != ""
}

// Wrap counts the outcomes of a handler, which answers and fails as it did.
//
// Bad is: an error or a panic, a proxy response with a status of 500 or more, each item that a partial batch response
// gives back, what MarkBad was called for, and what took longer than Slow.
func Wrap(handler Handler, settings Settings) Handler {
	return counted{handler, settings}
}

type counted struct {
	handler  Handler
	settings Settings
}

// invoke is what is known when the handler is done.
type invoke struct {
	payload, response []byte
	raised            string // the type of its error, "" when there was none
	took              time.Duration
	marks             []string
}

func (c counted) Invoke(ctx context.Context, payload []byte) (response []byte, err error) {
	done := invoke{payload: payload, raised: "panic"}
	began := time.Now()
	defer func() { // a panic goes on after it
		done.response, done.took = response, time.Since(began)
		c.report(ctx, done)
	}()
	response, err = c.handler.Invoke(context.WithValue(ctx, marksKey{}, &done.marks), payload)
	done.raised = ""
	if err != nil {
		done.raised = fmt.Sprintf("%T", err)
	}
	return response, err
}

// report prints the line. A request that was served must not fail because it couldn't be counted.
func (c counted) report(ctx context.Context, done invoke) {
	arn, requestID := c.settings.Of(ctx)
	var custom map[string]string
	if c.settings.Custom != nil {
		custom = c.settings.Custom(ctx)
	}
	if IsDark(arn, custom) {
		return
	}
	service, resolution := c.settings.Service, 0
	if service == "" {
		service = os.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	}
	if c.settings.HighResolution {
		resolution = 1
	}
	version := os.Getenv("AWS_LAMBDA_FUNCTION_VERSION")
	text, err := line(decide(done, c.settings.Slow), service, version, requestID, resolution)
	if err == nil {
		_, err = os.Stdout.Write(append(text, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "seatrial outcome could not count this request:", err)
	}
}

// result is what an invoke came to: bad of requests were bad for their users, and why.
type result struct {
	requests, bad int
	reasons       []string
	clientErrors  int
}

func decide(done invoke, slow time.Duration) result {
	items := itemsOf(done.payload)
	status, err := statusCode(done.response)
	if err != nil {
		status = 0
	}
	spoilt := spoiltBy(done, status, slow)
	all := append(spoilt, done.marks...)
	if len(items) == 0 {
		clientErrors := 0
		if len(spoilt) == 0 && status >= 400 && status < 500 {
			clientErrors = 1
		}
		return result{1, min(1, len(all)), all, clientErrors}
	}
	if len(spoilt) > 0 {
		return result{len(items), len(items), all, 0}
	}
	failed := failedItems(items, done.response, isKafka(done.payload))
	reasons := done.marks
	if failed > 0 {
		reasons = append([]string{fmt.Sprintf("%d of %d items failed", failed, len(items))}, done.marks...)
	}
	// A mark doesn't say which item it means, and an item that is marked is usually reported too: the larger number.
	return result{len(items), min(len(items), max(failed, len(done.marks))), reasons, 0}
}

// spoiltBy says why everything in this invoke was bad.
func spoiltBy(done invoke, status int, slow time.Duration) []string {
	var reasons []string
	if done.raised != "" {
		reasons = append(reasons, "raised "+done.raised)
	}
	if status >= 500 {
		reasons = append(reasons, fmt.Sprintf("status %d", status))
	}
	if size := len(done.response); size > mostBytes { // Lambda will fail it
		reasons = append(reasons, fmt.Sprintf("the response has %.1f MB, more than Lambda's 6 MB", float64(size)/1e6))
	}
	if slow > 0 && done.took > slow {
		reasons = append(reasons, fmt.Sprintf("slower than %d ms", slow.Milliseconds()))
	}
	return reasons
}

// statusCode reads the status of a proxy response; API Gateway and load balancers also take it as text.
func statusCode(response []byte) (int, error) {
	stated := object(response)["statusCode"]
	if words := text(stated); words != "" {
		return strconv.Atoi(strings.TrimSpace(words))
	}
	var number float64
	err := json.Unmarshal(stated, &number)
	return int(number), err
}

// isKafka says whether the items of a batch come by partition.
func isKafka(payload []byte) bool {
	return object(object(payload)["records"]) != nil
}

// itemsOf gives the items of a batch (queues, streams, topics; Kafka's by partition); none for a single request.
func itemsOf(payload []byte) []map[string]json.RawMessage {
	var items []json.RawMessage
	if isKafka(payload) {
		for _, partition := range object(object(payload)["records"]) {
			var part []json.RawMessage
			if json.Unmarshal(partition, &part) == nil {
				items = append(items, part...)
			}
		}
	} else if json.Unmarshal(object(payload)["Records"], &items) != nil {
		return nil
	}
	objects := make([]map[string]json.RawMessage, len(items))
	for at, item := range items {
		objects[at] = object(item)
	}
	return objects
}

// identifier gives a text that is equal for equal identifiers; "" for one that is not valid. objects says that they may
// be objects (Kafka).
func identifier(failure json.RawMessage, objects bool) string {
	stated := object(failure)["itemIdentifier"]
	if members := object(stated); objects && len(members) > 0 {
		sorted, _ := json.Marshal(members) // a map is written in the order of its keys
		return string(sorted)
	}
	return text(stated)
}

// failedItems counts the items that a partial batch response returns, as Lambda reads it: an identifier that is missing,
// or for a queue not in the batch, fails the whole batch.
func failedItems(items []map[string]json.RawMessage, response []byte, objects bool) int {
	stated := object(response)["batchItemFailures"]
	if len(stated) == 0 || string(stated) == "null" {
		return 0
	}
	var failures []json.RawMessage
	if json.Unmarshal(stated, &failures) != nil {
		return len(items)
	}
	known := map[string]bool{}
	for _, item := range items {
		if id := text(item["messageId"]); id != "" {
			known[id] = true
		}
	}
	failed := map[string]bool{}
	for _, failure := range failures {
		id := identifier(failure, objects)
		if id == "" || (len(known) > 0 && !known[id]) {
			return len(items)
		}
		failed[id] = true
	}
	return min(len(items), len(failed))
}

// line is without its end. Its time is when the outcome was known: the end of the request. resolution is in seconds, and
// 0 for the usual minutes.
func line(of result, service, version, requestID string, resolution int) ([]byte, error) {
	if service == "" || version == "" {
		return nil, errors.New("AWS_LAMBDA_FUNCTION_NAME or AWS_LAMBDA_FUNCTION_VERSION is not set")
	}
	type metric struct {
		Name, Unit        string
		StorageResolution int `json:",omitempty"`
	}
	type metrics struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []metric
	}
	type header struct {
		Timestamp         int64
		CloudWatchMetrics []metrics
	}
	directive := func(dimensions [][]string, names ...string) metrics {
		made := metrics{"Seatrial", dimensions, nil}
		for _, name := range names {
			made.Metrics = append(made.Metrics, metric{name, "Count", resolution})
		}
		return made
	}
	directives := []metrics{directive([][]string{{"service"}, {"service", "version"}}, "Requests", "BadOutcomes")}
	if of.clientErrors > 0 { // by version alone, and absent where there are none: a metric costs money
		directives = append(directives, directive([][]string{{"service", "version"}}, "ClientErrors"))
	}
	now := time.Now()
	level, timestamp := levelToState(), ""
	if level != "" {
		timestamp = now.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return json.Marshal(struct {
		AWS          header   `json:"_aws"`
		Service      string   `json:"service"`
		Version      string   `json:"version"`
		Requests     int      `json:"Requests"`
		BadOutcomes  int      `json:"BadOutcomes"`
		RequestID    string   `json:"request_id"`
		ClientErrors int      `json:"ClientErrors,omitempty"`
		Reasons      []string `json:"reasons,omitempty"`
		Level        string   `json:"level,omitempty"`
		Timestamp    string   `json:"timestamp,omitempty"`
	}{
		AWS:          header{now.UnixMilli(), directives},
		Service:      service,
		Version:      version,
		Requests:     of.requests,
		BadOutcomes:  of.bad,
		RequestID:    requestID,
		ClientErrors: of.clientErrors,
		Reasons:      shown(of.reasons),
		Level:        level,
		Timestamp:    timestamp,
	})
}

// levelToState gives the level that the line must name where Lambda drops what is less than the function's log level; ""
// otherwise.
func levelToState() string {
	level := strings.ToUpper(os.Getenv("AWS_LAMBDA_LOG_LEVEL"))
	drops := strings.ToUpper(os.Getenv("AWS_LAMBDA_LOG_FORMAT")) == "JSON"
	if drops && (level == "WARN" || level == "ERROR" || level == "FATAL") {
		return level
	}
	return ""
}

func shown(reasons []string) []string {
	short := make([]string, min(reasonsShown, len(reasons)))
	for at := range short {
		letters := []rune(reasons[at])
		short[at] = string(letters[:min(reasonLength, len(letters))])
	}
	return short
}

// object gives the members of a JSON object; none of anything else.
func object(of []byte) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(of, &members)
	return members
}

// text gives a JSON string; "" for anything else.
func text(of json.RawMessage) string {
	var value string
	_ = json.Unmarshal(of, &value)
	return value
}
