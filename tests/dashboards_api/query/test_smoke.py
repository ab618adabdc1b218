from datetime import timedelta
from eventmill.days import utc_today
from tests.dashboards_api.conftest import dbt
from tests.dashboards_api.support import Event, at, insert, CHANNELS, CHROME
from eventmill.tokens import Caller
import json
T=utc_today()
def test_smoke(events, send, ask):
    r=send("GET","/v1/query/schema"); print(json.dumps(r.json(),indent=1)[:6000]); 
    n=0
    evs=[]
    for (ref,us,um) in CHANNELS:
        for d in (0,1,5,6):
            n+=1
            evs.append(Event(event_type="asset_viewed",occurred_at=at(T-timedelta(days=d),0),visitor_id=f"v{n%3}",ip_asset_id=["a","b",None][n%3],project_id=[None,"p"][n%2],referrer=ref,utm_source=us,utm_medium=um,user_agent=CHROME if n%2 else None,country="DE",props_json={"engagement_ms":5}))
    evs.append(Event(event_type="asset_uploaded",occurred_at=at(T-timedelta(days=6),0),actor_type="creator",actor_id="ann",ip_asset_id="a",visitor_id="ann"))
    insert(events,*evs)
    for built in (False,True):
        if built:
            import time; t=time.time()
            dbt("run","--select","+build_receipts","daily_builds","+traffic_daily","int_traffic_days","int_platform_visitors","+conversion_credits","--event-time-start",str(T-timedelta(days=6)),"--event-time-end",str(T-timedelta(days=0)))
            print("built in",time.time()-t)
        for body in (
            dict(metrics=["views","unique_visitors"]),
            dict(metrics=["views","unique_visitors"],dimensions=["date"]),
            dict(metrics=["views","unique_visitors"],dimensions=["week"]),
            dict(metrics=["views","unique_visitors","events"],dimensions=["channel","source","medium"]),
            dict(metrics=["views","unique_visitors","events"],dimensions=["device_type","browser","os"]),
            dict(metrics=["views","unique_visitors"],dimensions=["ip_asset_id"],order_by=["-unique_visitors"]),
            dict(metrics=["views","unique_visitors"],dimensions=["asset","channel"],filters={"asset":"a"}),
            dict(metrics=["views","unique_visitors"],dimensions=["country","channel"]),
            dict(metrics=["views","credited_conversions"],dimensions=["channel"]),
        ):
            for caller in (Caller("root","admin"),Caller("ann","creator"),Caller("u","brand","acme")):
                a=ask(caller,**body); print(body,caller.role,a["total_rows"],a["rows"])
        print(a["meta"])
