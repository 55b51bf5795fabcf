package tail
import ("testing";"testing/synctest";"os";"fmt")
func TestDbg(t *testing.T){ synctest.Test(t, func(t *testing.T){ r:=newRandomWriter(t,131); fmt.Println("kind",r.kind); r.run()
 es,_:=os.ReadDir(r.dir); for _,e:=range es { i,_:=e.Info(); fmt.Println(e.Name(), i.Size(), i.ModTime(), idOf(i)) }
 fmt.Printf("%+v\n", r.f.Position()); for _,c:=range r.f.old { fmt.Println(c.number, c.handle.path, c.handle.id, c.read, c.gone, c.static)}
 fmt.Printf("%+v\n", r.f.Stats()) })}
