//go:build integration

package web

import (
	"context"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func TestShots(t *testing.T) {
	s, _, _ := newServer(t)
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	defer s.Close()
	ctx := chromium(t)
	for _, size := range []struct {
		name string
		w, h int64
	}{{"wide", 1280, 800}, {"phone", 360, 640}} {
		for _, theme := range []string{"light", "dark"} {
			for name, path := range map[string]string{"now": "/", "incidents": "/incidents", "incident": "/incidents/20261122T2117Z", "request": "/requests/req-000300", "history": "/history"} {
				err := chromedp.Do(ctx, chromedp.EmulateViewport(size.w, size.h),
					chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
						_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
						return err
					}),
					chromedp.Navigate(srv.URL+path))
				if err != nil {
					t.Fatal(err)
				}
				b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
				if err != nil {
					t.Fatal(err)
				}
				os.WriteFile("/tmp/E/"+name+"-"+size.name+"-"+theme+".png", b, 0o644)
				if size.name == "phone" || name == "incident" {
					b, _ = chromedp.Run(ctx, chromedp.FullScreenshot(100))
					os.WriteFile("/tmp/E/"+name+"-"+size.name+"-"+theme+"-full.png", b, 0o644)
				}
			}
		}
	}
}
